"""The charts of the report, of Dagster's previews and of the demo's picture, each declared once with Altair."""
