-- Leads of each ad by day and form, and what the ad cost: of an ad with several forms, by its share of their leads.
with days as (
    select * from {{ ref('int_lead_days') }}
),

forms as (
    select * from {{ ref('stg_meta_leads__lead_forms') }}
),

ads as (
    select * from {{ ref('int_ads_current') }}
)

select
    days.date_day,
    days.account_id,
    ads.campaign_id,
    ads.ad_set_id,
    days.ad_id,
    ads.ad_name,
    days.page_id,
    days.form_id,
    forms.form_name,
    days.currency,
    {{ lead_measures() }}
from days
left join forms on days.form_id = forms.form_id
left join ads on days.ad_id = ads.ad_id
where days.ad_id is not null
group by all
