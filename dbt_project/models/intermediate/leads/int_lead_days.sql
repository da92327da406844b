-- Leads by day, form and ad, beside what was spent on the ad that day. A day is the ad account's; of an organic lead, the
-- Page's. An ad whose leads came through several forms spent on each of them by its share of these leads.
with leads as (
    select
        leads.*,
        cast({{ in_timezone(
            'leads.created_at', "coalesce(" ~ known_timezone('accounts.timezone_name') ~ ", 'America/Los_Angeles')"
        ) }} as date) as date_day,
        ads.account_id
    from {{ ref('stg_meta_leads__leads') }} as leads
    left join {{ ref('int_ads_current') }} as ads on leads.ad_id = ads.ad_id
    left join {{ ref('int_accounts_current') }} as accounts on ads.account_id = accounts.account_id
),

counted as (
    select
        date_day,
        page_id,
        form_id,
        ad_id,
        account_id,
        count(*) as leads,
        count(*) filter (ad_id is null) as leads_organic
    from leads
    group by all
),

shares as (
    select page_id, form_id, ad_id, count(*) / sum(count(*)) over (partition by ad_id) as form_share
    from leads
    where ad_id is not null
    group by page_id, form_id, ad_id
),

spent as (
    select
        days.date_day,
        shares.page_id,
        shares.form_id,
        shares.ad_id,
        days.account_id,
        days.currency,
        cast(days.spend * shares.form_share as decimal(18, 6)) as spend
    from {{ ref('int_ad_days') }} as days
    inner join shares on days.ad_id = shares.ad_id
    where days.spend > 0
)

select
    coalesce(counted.date_day, spent.date_day) as date_day,
    coalesce(counted.page_id, spent.page_id) as page_id,
    coalesce(counted.form_id, spent.form_id) as form_id,
    coalesce(counted.account_id, spent.account_id) as account_id,
    coalesce(counted.ad_id, spent.ad_id) as ad_id,
    spent.currency,
    coalesce(counted.leads, 0) as leads,
    coalesce(counted.leads_organic, 0) as leads_organic,
    spent.spend
from counted
full outer join spent
    on counted.date_day = spent.date_day
    and counted.form_id = spent.form_id
    and counted.ad_id = spent.ad_id
