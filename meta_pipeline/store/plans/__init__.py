"""Plans of changes at Meta, and what became of each of their steps."""
