"""The DuckDB warehouse: landed files are loaded into raw tables, completely or not at all."""
