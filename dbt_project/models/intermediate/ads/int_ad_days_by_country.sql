{{ breakdown_days('ad_insights_by_country', ['country']) }}
