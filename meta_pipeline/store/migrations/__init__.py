"""Alembic's migrations of the control store: one file per change of `schema/`, never edited once released."""
