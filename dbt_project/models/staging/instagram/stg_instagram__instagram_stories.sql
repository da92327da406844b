{{ media_staging('instagram_stories', [
    'try_cast(ended_at as timestamptz) as ended_at', 'insights_error', 'story_insights',
    'coalesce(try_cast(webhook_lost as boolean), false) as is_webhook_lost',
]) }}
