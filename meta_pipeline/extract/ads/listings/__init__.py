"""The entities of an ad account as they are now: accounts, campaigns, ad sets, ads, creatives and thumbnails."""
