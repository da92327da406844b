{{ ad_reporting_geography('region', {
    'country': 'cast(null as varchar)',
    'country_code': 'cast(null as varchar)',
    'global_region': 'cast(null as varchar)',
    'region': 'days.region',
}, has_conversions=false) }}
