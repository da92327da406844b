"""`up`: the servers of one home as child processes."""
