"""Who must hear what, and by which way."""
