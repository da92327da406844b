"""`demo`: the whole pipeline on a sandbox of its own."""
