"""The assets, by step. Those that depend on the reports or on dbt's manifest are created by functions."""
