{{ video_report('ad_insights') }}
