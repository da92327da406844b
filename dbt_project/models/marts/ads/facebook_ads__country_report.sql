{{ breakdown_report('ad_insights_by_country', ['country']) }}
