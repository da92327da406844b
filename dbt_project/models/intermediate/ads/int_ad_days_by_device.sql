{{ breakdown_days('ad_insights_by_device', ['device_platform']) }}
