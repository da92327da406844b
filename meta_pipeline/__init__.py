"""Meta ads, Page and Instagram insights into a warehouse people trust, from consent to chart."""
