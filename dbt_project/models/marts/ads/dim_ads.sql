-- Every state of an ad with its validity and its creative.
{{ stored_partitions(['ads_history', 'created_objects'], by='node') }}
with states as (
    select * from {{ ref('stg_meta_ads__ad_history') }}
    {{ only_changed() }}
),

{{ entity_spans('states', 'ad_id') }},

ours as (
    select * from {{ ref('stg_meta_pipeline__created_objects') }}
    where object_kind = 'ad'
)

select
    spans.ad_id,
    known.ad_set_id,
    known.campaign_id,
    known.account_id,
    known.creative_id,
    known.ad_name,
    known.status,
    known.configured_status,
    ours.object_id is not null as is_ours,
    known.created_at,
    known.updated_at,
    {{ span_columns() }}
from spans
inner join known on spans.ad_id = known.ad_id and spans.known_at = known.seen_at
left join ours on spans.ad_id = ours.object_id
