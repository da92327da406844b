{{ level_report(['campaign', 'ad_set']) }}
