"""Landed files: the ledger, earlier versions of days, the queue for loading, and the state of the warehouse file."""
