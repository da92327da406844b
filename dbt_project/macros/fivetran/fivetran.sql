{# Macros of the models in Fivetran's schema (decision 0058). #}

{# A CTE: campaigns, ad sets or ads that were in no listing, only in insights, with the first and the last day that named
   them. Without them, Fivetran's package would put all their days into one row without ids. #}
{% macro unlisted_entities(level, dimension) -%}
    unlisted as (
        select
            current.*,
            timezone('UTC', cast(days.first_day as timestamp)) as first_seen_at,
            timezone('UTC', cast(days.last_day as timestamp)) as last_seen_at
        from {{ ref('int_' ~ level ~ 's_current') }} as current
        inner join (
            select {{ level }}_id, min(date_day) as first_day, max(date_day) as last_day
            from {{ ref('int_' ~ level ~ '_days') }}
            group by {{ level }}_id
        ) as days on current.{{ level }}_id = days.{{ level }}_id
        where not exists (
            select 1 from {{ ref(dimension) }} as listed
            where listed.{{ level }}_id = current.{{ level }}_id and listed.error is null
        )
    )
{%- endmacro %}

{# When a state was last observed. An unchanged listing is not stored again, so the current state also counts as observed
   when a listing last confirmed it. #}
{% macro synced_at() -%}
    case when dims.is_current then greatest(dims.seen_at, listings.listed_at) else dims.seen_at end
{%- endmacro %}

{# Join to `dims` the last day (UTC) on which every call for the account's listings succeeded. #}
{% macro join_listings() -%}
left join (
    select replace(node_id, 'act_', '') as account_id, max(timezone('UTC', cast(date_day as timestamp))) as listed_at
    from {{ ref('stg_meta_pipeline__graph_calls') }}
    where report = 'entities' and calls_failed = 0
    group by node_id
) as listings on dims.account_id = listings.account_id
{%- endmacro %}

{# A query string as Fivetran has it: a JSON list of key, value and type; null if there is none. #}
{% macro url_tags_list(query) -%}
    nullif(
        list_transform(
            list_filter(string_split({{ query }}, '&'), lambda pair: pair <> ''),
            lambda pair: {
                'key': url_decode(replace(split_part(pair, '=', 1), '+', ' ')),
                'value': case when contains(pair, '=')
                    then url_decode(replace(substr(pair, strpos(pair, '=') + 1), '+', ' ')) end,
                'type': 'url_tag'
            }
        ),
        []
    )
{%- endmacro %}

{# The key of a state of a creative, in `creative_history` and `url_tag`. #}
{% macro creative_state_id() -%}
    dims.creative_id || '/' || cast(epoch_us(dims.valid_from) as varchar)
{%- endmacro %}

{# The actions of ads by day, under Fivetran's names; `prefix` chooses counts or values. #}
{% macro fivetran_ad_actions(prefix) -%}
{{ view_of_partitions(['ad_insights'], day='date') }}
select
    actions.account_id || '/' || actions.ad_id || '/' || cast(actions.date_day as varchar) || '/' || cast(actions.action_index as varchar) as _fivetran_id,
    actions.ad_id,
    actions.date_day as date,
    actions.action_index as index,
    actions.account_id,
    actions.action_type,
    actions.{{ prefix }} as value,
    actions.{{ prefix }}_1d_view as _1_d_view,
    actions.{{ prefix }}_1d_click as _1_d_click,
    actions.{{ prefix }}_7d_click as _7_d_click,
    actions.{{ prefix }}_28d_click as _28_d_click,
    days_read.read_at as _fivetran_synced
from {{ ref('int_ad_action_days') }} as actions
{{ join_days_read('actions', 'ad_insights') }}
where actions.{{ prefix }} is not null
{%- endmacro %}

{# Geography at the account's level, summed from the ads; people can't be added up, so there is no reach. #}
{% macro fivetran_demographics(breakdown) -%}
{{ view_of_partitions(['ad_insights_by_' ~ breakdown], day='date') }}
with days as (
    select
        account_id,
        date_day,
        {{ breakdown }},
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(link_clicks) as bigint) as link_clicks,
        cast(sum(spend) as decimal(18, 6)) as spend
    from {{ ref('int_ad_days_by_' ~ breakdown) }}
    group by account_id, date_day, {{ breakdown }}
)

select
    days.account_id || '/' || cast(days.date_day as varchar) || '/' || days.{{ breakdown }} as _fivetran_id,
    days.account_id,
    days.date_day as date,
    days.{{ breakdown }},
    coalesce(days.impressions, 0) as impressions,
    coalesce(days.spend, 0) as spend,
    days.link_clicks as inline_link_clicks,
    cast(null as bigint) as reach,
    cast(null as double) as frequency,
    days_read.read_at as _fivetran_synced
from days
{{ join_days_read('days', 'ad_insights_by_' ~ breakdown) }}
{%- endmacro %}

{# Join the times when the days of a report were last read. #}
{% macro join_days_read(rows, report) -%}
left join {{ ref('int_report_days_read') }} as days_read
    on days_read.report = '{{ report }}'
    and {{ rows }}.account_id = days_read.account_id
    and {{ rows }}.date_day = days_read.date_day
{%- endmacro %}
