"""Browsers and the pages that they see."""
