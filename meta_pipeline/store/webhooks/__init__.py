"""Received webhooks, subscriptions, and the times at which the receiver was up."""
