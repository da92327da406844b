"""Reading conversations of Pages, on Messenger and on Instagram."""
