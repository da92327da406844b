"""Instagram accounts: the nodes, account insights and demographics, media and stories with their insights."""
