"""The reports, as data: the built-in ones, those of a file, and the names that Ads Insights knows."""
