"""Webhooks as data: signatures, the changes in a payload, and the smallest read that a change calls for. No I/O."""
