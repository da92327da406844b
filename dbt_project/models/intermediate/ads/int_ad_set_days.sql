{{ level_days(['campaign', 'ad_set']) }}
