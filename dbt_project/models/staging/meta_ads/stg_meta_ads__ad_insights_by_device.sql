{{ breakdown_staging('ad_insights_by_device', ['device_platform']) }}
