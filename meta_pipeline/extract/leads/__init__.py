"""Leads: how forms and leads are requested, and read from Meta's answers. Pure."""
