"""The commands of webhooks: the inbox, and subscriptions."""
