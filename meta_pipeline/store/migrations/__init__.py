"""Alembic's migrations of the control store: one file per change of `schema.py`, never edited once released."""
