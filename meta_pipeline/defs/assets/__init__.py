"""The assets, by step. Those that depend on the reports or on dbt's manifest are made by functions."""
