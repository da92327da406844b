"""Every metric there is: the built-in ones of Pages and Instagram, and those of an operator's file."""
