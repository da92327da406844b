"""The sandbox's lead forms and leads."""
