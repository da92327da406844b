"""Pages and Instagram accounts: pulled, read in the routine, and compared with the sandbox."""
