{{ breakdown_report('ad_insights_by_device', ['device_platform']) }}
