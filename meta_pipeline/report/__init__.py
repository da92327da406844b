"""The report: one HTML file, and a picture, that people read without SQL.

`marts/` reads figures from the published warehouse, `charts/` declares each chart once, `document.py` assembles the
sections and `page.py` renders them. Amounts of different currencies are never added or drawn on one axis."""
