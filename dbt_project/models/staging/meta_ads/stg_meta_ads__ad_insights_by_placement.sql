{{ breakdown_staging('ad_insights_by_placement', ['publisher_platform', 'platform_position'], has_video=true) }}
