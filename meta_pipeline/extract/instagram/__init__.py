"""Instagram accounts: insights by day, demographics, media, stories."""
