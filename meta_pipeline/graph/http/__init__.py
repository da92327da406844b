"""Bytes to and from a host, within their bounds: sessions and transport, the body of a response, downloads."""
