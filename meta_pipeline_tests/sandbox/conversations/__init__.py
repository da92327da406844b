"""The sandbox's conversations."""
