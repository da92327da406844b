"""The registry of all metrics: the built-in ones of Pages and Instagram, and those of an operator's file."""
