-- What checks found wrong, as data: a failure of one account marks that account's days and stops no other.
{{ config(materialized='view') }}
select
    'reconciliation' as check_name,
    'ad_insights' as report,
    account_id,
    date_day,
    case when status = 'different' then 'error' else 'warn' end as severity,
    'the ads differ from the account by ' || spend_difference || ' in spend, ' || impressions_difference
    || ' impressions and ' || clicks_difference || ' clicks' as detail
from {{ ref('facebook_ads__reconciliation') }}
where status != 'equal'
