"""OAuth (RFC 6749) with Meta: from a callback to a token."""
