-- Leads of each form by day, and what the ads that brought them cost.
with days as (
    select * from {{ ref('int_lead_days') }}
),

forms as (
    select * from {{ ref('stg_meta_leads__lead_forms') }}
),

pages as (
    select * from {{ ref('stg_meta_pipeline__nodes') }}
)

select
    days.date_day,
    days.page_id,
    pages.node_name as page_name,
    days.form_id,
    forms.form_name,
    forms.form_status,
    days.currency,
    {{ lead_measures() }}
from days
left join forms on days.form_id = forms.form_id
left join pages on days.page_id = pages.node_id
group by all
