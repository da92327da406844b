"""Options and help of the commands about landed files and erasure."""
