"""Fetch the days of nodes and land them: several accounts at once, token after token, report after report."""
