"""A Graph API that runs on your own machine; imports nothing of the rest."""
