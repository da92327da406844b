-- Every state of an ad with its validity and its creative.
{{ stored_partitions(['ads_history'], by='node') }}
with states as (
    select * from {{ ref('stg_meta_ads__ad_history') }}
    {{ only_changed() }}
),

{{ entity_spans('states', 'ad_id') }}

select
    spans.ad_id,
    known.ad_set_id,
    known.campaign_id,
    known.account_id,
    known.creative_id,
    known.ad_name,
    known.status,
    known.configured_status,
    known.created_at,
    known.updated_at,
    {{ span_columns() }}
from spans
inner join known on spans.ad_id = known.ad_id and spans.known_at = known.seen_at
