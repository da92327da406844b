"""Questions about the published marts."""
