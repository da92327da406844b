-- What an ad set was, from when until when. What is left of a budget moves with every look: it is told of now only.
with {{ entity_spans(ref('stg_meta_ads__ad_set_history'), 'ad_set_id') }},

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
    {{ major_units('known.daily_budget_minor_units', 'currencies.minor_units') }} as daily_budget,
    {{ major_units('known.lifetime_budget_minor_units', 'currencies.minor_units') }} as lifetime_budget,
    case
        when spans.valid_to is null
            then {{ major_units('now.budget_remaining_minor_units', 'currencies.minor_units') }}
    end as budget_remaining,
    known.start_at,
    known.end_at,
    known.created_at,
    known.updated_at,
    {{ span_columns() }}
from spans
inner join known on spans.ad_set_id = known.ad_set_id and spans.known_at = known.seen_at
left join now on spans.ad_set_id = now.ad_set_id
left join accounts on known.account_id = accounts.account_id
left join currencies on accounts.currency = currencies.currency
