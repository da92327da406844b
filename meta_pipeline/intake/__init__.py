"""The intake: what an operator states about its business, the app, the customers and the people, in one TOML file."""
