{{ breakdown_report('ad_insights_by_hourly', ['hour'], has_conversions=false) }}
