"""What tests and benchmarks share: stand-ins for Graph and for the clock, homes, and runs whose calls or results are
compared. Imports neither of them."""
