"""Plan the days to request, and how much to request at once. The only I/O is with the control store."""
