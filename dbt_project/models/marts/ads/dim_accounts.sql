-- Every state of an ad account with its validity.
{{ stored_partitions(['accounts_history'], by='node') }}
with states as (
    select * from {{ ref('stg_meta_ads__account_history') }}
    {{ only_changed() }}
),

{{ entity_spans('states', 'account_id') }},

currencies as (
    select * from {{ ref('stg_meta_ads__currencies') }}
)

select
    spans.account_id,
    known.account_name,
    known.account_status,
    known.currency,
    known.timezone_name,
    {{ major_units('known.spend_cap_minor_units', 'currencies.minor_units') }} as spend_cap,
    known.created_at,
    {{ span_columns(has_status=false) }}
from spans
inner join known on spans.account_id = known.account_id and spans.known_at = known.seen_at
left join currencies on known.currency = currencies.currency
