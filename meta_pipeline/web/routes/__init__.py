"""The routes: each calls a flow or a query, and answers with a page."""
