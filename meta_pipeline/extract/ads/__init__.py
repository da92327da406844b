"""Ads Insights and the entities of an ad account: reports as data, requests, and how results are read."""
