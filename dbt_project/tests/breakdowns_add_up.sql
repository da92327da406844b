-- Every breakdown adds up to the account's control total, for days that both have and that had ended when both were read:
-- two reports of a running day are read at different moments and may differ. Recent days may still differ for the same
-- reason, so this is a warning.
{% set reports = ['account_insights'] %}
{% for name in var('breakdowns_that_add_up') %}{% do reports.append('ad_insights_by_' ~ name) %}{% endfor %}
{{ config(severity='warn', meta={'reports': reports}) }}
with totals as (
    select * from {{ ref('facebook_ads__account_report') }}
    {{ only_untested(reports) }}
),

parts as (
    {% for name in var('breakdowns_that_add_up') %}
    select
        '{{ name }}' as report,
        account_id,
        date_day,
        sum(impressions) as impressions,
        sum(clicks_all) as clicks_all,
        sum(spend) as spend,
        bool_or(is_provisional) as is_provisional
    from {{ ref('facebook_ads__' ~ name ~ '_report') }}
    {{ only_untested(reports) }}
    group by account_id, date_day
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select parts.*
from parts
inner join totals on parts.account_id = totals.account_id and parts.date_day = totals.date_day
where not parts.is_provisional
    and not totals.is_provisional
    and (
        parts.impressions <> totals.impressions
        or parts.clicks_all <> totals.clicks_all
        or parts.spend <> totals.spend
    )
