-- Every state of an ad set with its validity.
{{ stored_partitions(['ad_sets_history', 'ad_sets', 'accounts', 'created_objects'], by='node') }}
with states as (
    select * from {{ ref('stg_meta_ads__ad_set_history') }}
    {{ only_changed() }}
),

{{ entity_spans('states', 'ad_set_id') }},

ours as (
    select * from {{ ref('stg_meta_pipeline__created_objects') }}
    where object_kind = 'ad_set'
),

accounts as (
    select * from {{ ref('stg_meta_ads__accounts') }}
),

currencies as (
    select * from {{ ref('stg_meta_ads__currencies') }}
),

now as (
    select * from {{ ref('stg_meta_ads__ad_sets') }}
)

select
    spans.ad_set_id,
    known.campaign_id,
    known.account_id,
    known.ad_set_name,
    known.status,
    known.configured_status,
    known.optimization_goal,
    known.billing_event,
    known.bid_strategy,
    accounts.currency,
    {{ budget_columns() }},
    known.start_at,
    known.end_at,
    ours.object_id is not null as is_ours,
    known.created_at,
    known.updated_at,
    {{ span_columns() }}
from spans
inner join known on spans.ad_set_id = known.ad_set_id and spans.known_at = known.seen_at
left join now on spans.ad_set_id = now.ad_set_id
left join accounts on known.account_id = accounts.account_id
left join currencies on accounts.currency = currencies.currency
left join ours on spans.ad_set_id = ours.object_id
