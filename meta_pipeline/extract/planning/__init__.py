"""The days to request, and how much of them at once. No I/O but the store's."""
