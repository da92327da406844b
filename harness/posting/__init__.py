"""Posts published in a sandbox without a network."""
