"""`backfill` and `plan`: which days of which nodes and reports, what they cost, and reading them."""
