select
    currency,
    day as date_day,
    rate,
    reporting_currency
from {{ source('raw_meta_pipeline', 'exchange_rates') }}
