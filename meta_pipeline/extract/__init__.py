"""What to ask Graph for, and the answers as batches."""
