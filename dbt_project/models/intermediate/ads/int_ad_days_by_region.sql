{{ breakdown_days('ad_insights_by_region', ['region'], has_conversions=false) }}
