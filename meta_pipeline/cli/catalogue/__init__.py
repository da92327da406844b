"""The commands that list reports, metrics and versions."""
