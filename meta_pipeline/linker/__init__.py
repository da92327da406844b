"""Which nodes a token may read, and who owns them."""
