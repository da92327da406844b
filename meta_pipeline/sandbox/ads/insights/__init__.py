"""Ads Insights: queries, breakdowns, rows, report runs, and the exact totals to compare the rows with."""
