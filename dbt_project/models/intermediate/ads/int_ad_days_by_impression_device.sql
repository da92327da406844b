{{ breakdown_days('ad_insights_by_impression_device', ['publisher_platform', 'impression_device']) }}
