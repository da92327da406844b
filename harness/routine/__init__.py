"""The daily routine on a world that changes, and the comparison of its results."""
