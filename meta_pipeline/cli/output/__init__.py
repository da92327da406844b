"""How results and messages reach the terminal: tables, money, logs, and text that no terminal acts on."""
