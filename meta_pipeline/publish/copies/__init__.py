"""Copies of the warehouse file: whole, without some nodes, or with the rows of some nodes only."""
