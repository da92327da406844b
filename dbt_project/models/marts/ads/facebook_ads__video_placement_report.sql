{{ video_report('ad_insights_by_placement', ['publisher_platform', 'platform_position']) }}
