{{ media_staging('instagram_stories', ['try_cast(ended_at as timestamptz) as ended_at', 'insights_error']) }}
