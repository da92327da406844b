{{ breakdown_staging('ad_insights_by_hourly', ['hourly_stats_aggregated_by_advertiser_time_zone as hour'], has_conversions=false) }}
