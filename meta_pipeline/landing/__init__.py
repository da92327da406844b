"""Parquet as Graph gave it, one file per report, node and day."""
