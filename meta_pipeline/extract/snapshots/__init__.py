"""Objects that are read again as they age: posts and media, with their lifetime metrics."""
