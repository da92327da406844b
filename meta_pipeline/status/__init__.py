"""Read-only queries over the control store: connections, forecasts, coverage, versions. Nothing here starts work."""
