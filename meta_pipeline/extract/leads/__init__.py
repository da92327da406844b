"""Leads: the requests for forms and leads, and the parsers of Meta's responses. Pure."""
