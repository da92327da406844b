{{ media_staging('instagram_media') }}
