-- The totals of every report for an account's day, with their validity: `valid_from <= :moment and (valid_to > :moment
-- or valid_to is null)` selects them as of a moment. A day without rows has zeros, or null for a figure that the report
-- does not request. Conversions are of the ads only.
{{ stored_partitions(['day_versions', 'ad_insights', 'ad_insights_versions']) }}
with spans as (
    select * from {{ ref('int_day_versions_spanned') }}
    {{ only_changed() }}
),

ads as (
    select
        'ad_insights' as report,
        account_id,
        date_day,
        valid_from,
        min(currency) as currency,
        sum(conversions) as conversions,
        sum(conversions_value) as conversions_value
    from (select * from {{ ref('facebook_ads__ad_report_history') }} {{ only_changed() }})
    group by account_id, date_day, valid_from
)

select
    spans.report,
    spans.account_id,
    spans.date_day,
    spans.valid_from,
    spans.valid_to,
    spans.is_current,
    ads.currency,
    cast(spans.rows_read as bigint) as rows_read,
    cast(spans.impressions as bigint) as impressions,
    cast(spans.clicks_all as bigint) as clicks_all,
    cast(spans.link_clicks as bigint) as link_clicks,
    cast(spans.spend as decimal(18, 6)) as spend,
    {%- for name in ['conversions', 'conversions_value'] %}
    cast(case
        when spans.report = 'ad_insights' and spans.rows_read = 0 then 0 else ads.{{ name }}
    end as decimal(18, 6)) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from spans
left join ads
    on spans.report = ads.report
    and spans.account_id = ads.account_id
    and spans.date_day = ads.date_day
    and spans.valid_from = ads.valid_from
