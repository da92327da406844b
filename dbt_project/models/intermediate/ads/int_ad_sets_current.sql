-- An ad set as it is now, or was when it could last be read; one that is in no listing has the name of its last insights.
{{ stored_partitions(['ad_sets_history', 'accounts', 'ad_insights'], by='node') }}
with {{ latest_states(
    'ad_set', ref('stg_meta_ads__ad_set_history'), ref('stg_meta_ads__ad_insights'), ['account_id', 'campaign_id']
) }}

select
    latest.ad_set_id,
    latest.campaign_id,
    latest.account_id,
    latest.ad_set_name,
    latest.status as ad_set_status,
    latest.optimization_goal,
    {{ current_budgets('ad_set') }},
    latest.start_at as ad_set_start_at,
    latest.end_at as ad_set_end_at
from latest
{{ join_currency_offsets('latest') }}
union all by name
select ad_set_id, campaign_id, account_id, ad_set_name from unlisted
