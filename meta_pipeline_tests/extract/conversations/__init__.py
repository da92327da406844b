"""The reader of conversations."""
