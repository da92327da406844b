"""Consent to chart: Meta Ads and Page insights into a warehouse people trust."""
