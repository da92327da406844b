"""Posts that are published by plan: the spec of one, the limits as data, the checks, and the steps of its plan."""
