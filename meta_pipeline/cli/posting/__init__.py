"""The commands of publishing."""
