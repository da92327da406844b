{{ level_report(['campaign']) }}
