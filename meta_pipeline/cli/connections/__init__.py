"""The commands about tokens and nodes."""
