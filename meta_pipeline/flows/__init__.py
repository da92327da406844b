"""The score: what follows what. Steps never call steps; these functions do."""
