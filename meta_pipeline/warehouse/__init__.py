"""DuckDB: landed files become raw tables, whole or not at all."""
