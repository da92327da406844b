"""Options and help of the commands about tokens and nodes."""
