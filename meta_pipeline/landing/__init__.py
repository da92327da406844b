"""Landed files: Parquet with records as Graph returned them, one file per report, node and day."""
