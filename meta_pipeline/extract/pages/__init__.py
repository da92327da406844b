"""A Facebook Page: its metrics, its insights by day, and its posts."""
