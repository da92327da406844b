"""`demo`: the whole pipeline on its own sandbox."""
