"""Sealed records of what people wrote: answers of leads, texts of messages (docs/decisions/0077)."""
