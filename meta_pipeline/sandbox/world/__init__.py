"""The simulated business: entities, options, and the delivery of every ad on every day. No HTTP, no paths.

Every subject reads it; it depends on none of them.
"""
