"""How conversations are read."""
