select
    currency,
    minor_units
from {{ ref('currency_offsets') }}
