"""Forecasts of the calls that a report will cost."""
