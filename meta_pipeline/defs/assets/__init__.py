"""The assets, by source."""
