"""Ads Insights: requests, report runs, and reading their rows by day."""
