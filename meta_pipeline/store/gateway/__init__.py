"""The calls to Graph: the audit trail, and the budgets of Meta's limits that all processes share."""
