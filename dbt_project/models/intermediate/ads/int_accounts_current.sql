-- An account as it is now, or was when it could last be read; one that is in no listing has the name and the currency of
-- its last insights.
{{ stored_partitions(['accounts_history', 'ad_insights', 'account_insights'], by='node') }}
{%- set insights %}(
    select account_id, account_name, currency, date_day from {{ ref('stg_meta_ads__ad_insights') }}
    union all
    select account_id, account_name, currency, date_day from {{ ref('stg_meta_ads__account_insights') }}
){% endset %}
with {{ latest_states('account', ref('stg_meta_ads__account_history'), insights) }}

select account_id, account_name, account_status, currency, timezone_name from latest
union all by name
select account_id, account_name, currency from unlisted
