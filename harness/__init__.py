"""Code that tests and benchmarks share: fakes of Graph and of the clock, homes, and runs whose calls or results are
compared. Imports neither of them."""
