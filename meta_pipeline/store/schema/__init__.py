"""The tables of the control store, on SQLite and Postgres alike."""
