"""Work in progress: backfills, report runs and deferrals, and the sizes and durations learned from them."""
