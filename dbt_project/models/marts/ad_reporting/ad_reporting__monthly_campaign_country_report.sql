{{ ad_reporting_geography('country', {
    'country': 'days.country',
    'country_code': "nullif(days.country, 'unknown')",
    'global_region': 'cast(null as varchar)',
}) }}
