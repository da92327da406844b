"""Land an ad account's insights and its listings."""
