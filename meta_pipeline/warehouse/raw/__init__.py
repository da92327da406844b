"""The raw tables: the rows of landed files, their requests, their drift, their histories."""
