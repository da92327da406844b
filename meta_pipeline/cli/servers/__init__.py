"""The commands that serve on a port of this machine."""
