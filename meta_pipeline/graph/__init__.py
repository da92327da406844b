"""The gateway: the only room that speaks HTTP with Graph."""
