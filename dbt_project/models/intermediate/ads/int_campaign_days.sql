{{ level_days(['campaign']) }}
