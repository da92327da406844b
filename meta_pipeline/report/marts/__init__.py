"""The figures of the report, read from the published marts."""
