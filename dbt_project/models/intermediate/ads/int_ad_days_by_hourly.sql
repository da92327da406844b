{{ breakdown_days('ad_insights_by_hourly', ['hour'], has_conversions=false) }}
