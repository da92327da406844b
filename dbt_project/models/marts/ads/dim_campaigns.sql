-- Every state of a campaign with its validity.
{{ stored_partitions(['campaigns_history', 'campaigns', 'accounts', 'created_objects'], by='node') }}
with states as (
    select * from {{ ref('stg_meta_ads__campaign_history') }}
    {{ only_changed() }}
),

{{ entity_spans('states', 'campaign_id') }},

ours as (
    select * from {{ ref('stg_meta_pipeline__created_objects') }}
    where object_kind = 'campaign'
),

accounts as (
    select * from {{ ref('stg_meta_ads__accounts') }}
),

currencies as (
    select * from {{ ref('stg_meta_ads__currencies') }}
),

now as (
    select * from {{ ref('stg_meta_ads__campaigns') }}
)

select
    spans.campaign_id,
    known.account_id,
    known.campaign_name,
    known.status,
    known.configured_status,
    known.objective,
    known.buying_type,
    known.bid_strategy,
    accounts.currency,
    {{ budget_columns() }},
    {{ major_units('known.spend_cap_minor_units', 'currencies.minor_units') }} as spend_cap,
    known.start_at,
    known.end_at,
    ours.object_id is not null as is_ours,
    known.created_at,
    known.updated_at,
    {{ span_columns() }}
from spans
inner join known on spans.campaign_id = known.campaign_id and spans.known_at = known.seen_at
left join now on spans.campaign_id = now.campaign_id
left join accounts on known.account_id = accounts.account_id
left join currencies on accounts.currency = currencies.currency
left join ours on spans.campaign_id = ours.object_id
