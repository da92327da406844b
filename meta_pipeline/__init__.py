"""Meta Ads insights into a warehouse people trust, from consent to chart."""
