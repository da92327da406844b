"""Facebook Pages: insights by day, audience, posts."""
