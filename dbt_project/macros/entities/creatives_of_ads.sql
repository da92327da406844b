{# A CTE: the creative of each ad with the time from and until which the ad had it, as far back as the ad was observed; before
   that, its first known one. #}
{% macro creatives_of_ads() -%}
    ad_spans as (
        select
            ad_id,
            creative_id,
            case
                when row_number() over (partition by ad_id order by valid_from) = 1
                    then cast('-infinity' as timestamp with time zone)
                else valid_from
            end as starts_at,
            coalesce(valid_to, cast('infinity' as timestamp with time zone)) as ends_at
        from {{ ref('dim_ads') }}
    )
{%- endmacro %}

{# Join it to `days`: the creative that the ad had at the end of the day (UTC). #}
{% macro join_creatives_of_ads() -%}
left join ad_spans
    on days.ad_id = ad_spans.ad_id
    and {{ end_of_utc_day('days.date_day') }} >= ad_spans.starts_at
    and {{ end_of_utc_day('days.date_day') }} < ad_spans.ends_at
{%- endmacro %}
