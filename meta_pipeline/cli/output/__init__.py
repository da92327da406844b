"""Output to the terminal: tables, money, logs, and text that no terminal acts on."""
