{{ breakdown_staging('ad_insights_by_country', ['country']) }}
