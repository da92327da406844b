"""`backfill` and `plan`: which days of which accounts and reports, what they cost, and reading them."""
