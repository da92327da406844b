"""Webhooks: subscriptions, and deliveries as Meta makes them, also those that go wrong (docs/graph-api.md §11)."""
