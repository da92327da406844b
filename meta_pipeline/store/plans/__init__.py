"""Plans of changes at Meta, and the outcome of each step."""
