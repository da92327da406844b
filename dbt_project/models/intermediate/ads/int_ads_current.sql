-- An ad as it is now, or was when it could last be read; one that is in no listing has the name of its last insights.
{{ stored_partitions(['ads_history', 'ad_insights'], by='node') }}
with {{ latest_states(
    'ad', ref('stg_meta_ads__ad_history'), ref('stg_meta_ads__ad_insights'), ['account_id', 'campaign_id', 'ad_set_id']
) }}

select ad_id, ad_set_id, campaign_id, account_id, creative_id, ad_name, status as ad_status, created_at from latest
union all by name
select ad_id, ad_set_id, campaign_id, account_id, ad_name from unlisted
