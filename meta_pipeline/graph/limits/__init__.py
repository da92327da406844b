"""Meta's rate limits: which budgets a call is charged to, how much is used, and when the next call may go."""
