-- A campaign as it is now, or was when it could last be read; one that is in no listing has the name of its last insights.
{{ stored_partitions(['campaigns_history', 'accounts', 'ad_insights'], by='node') }}
with {{ latest_states('campaign', ref('stg_meta_ads__campaign_history'), ref('stg_meta_ads__ad_insights'), ['account_id']) }}

select
    latest.campaign_id,
    latest.account_id,
    latest.campaign_name,
    latest.status as campaign_status,
    latest.objective,
    {{ current_budgets('campaign') }},
    latest.start_at as campaign_start_at,
    latest.end_at as campaign_end_at
from latest
{{ join_currency_offsets('latest') }}
union all by name
select campaign_id, account_id, campaign_name from unlisted
