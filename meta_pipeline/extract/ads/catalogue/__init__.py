"""Which reports there are, as data: the built-in ones, those of a file, and the names that Ads Insights knows."""
