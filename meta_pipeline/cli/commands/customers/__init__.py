"""Options and help of the commands about customers and their people."""
