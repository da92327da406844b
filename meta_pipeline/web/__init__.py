"""The web application that browsers and Meta reach: consent and the connections page. Thin: every route calls a
flow."""
