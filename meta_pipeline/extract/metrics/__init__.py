"""Metrics of Pages and Instagram: what there is, which of it Meta still answers."""
