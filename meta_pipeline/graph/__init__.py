"""The gateway: the only package that sends requests to Graph."""
