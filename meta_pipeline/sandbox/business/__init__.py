"""Business portfolios: what they own and what is shared with them."""
