"""An Instagram account: its metrics, its insights by day, its media and its stories."""
