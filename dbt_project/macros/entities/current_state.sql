{# CTEs over the states of one kind of entity. `latest`: the last state of each id in which it could be read. `unlisted`:
   the ids that were never read in a listing, with the last name that their insights had. #}
{% macro latest_states(level, states, insights, parents=[]) -%}
    {%- set columns = parents + [level ~ '_name', 'currency'] %}
    latest as (
        select * from {{ states }} {{ only_changed() }}
        qualify error is null
            and row_number() over (partition by {{ level }}_id order by error is null desc, seen_at desc) = 1
    ),

    days_with_names as (
        select
            {{ level }}_id,
            date_day,
            {%- for column in columns %}
            max({{ column }}) as {{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        from (select * from {{ insights }} {{ only_changed() }}) as insights
        where not exists (select 1 from latest where latest.{{ level }}_id = insights.{{ level }}_id)
        group by {{ level }}_id, date_day
    ),

    unlisted as (
        select
            {{ level }}_id,
            {%- for column in columns %}
            arg_max({{ column }}, date_day) as {{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        from days_with_names
        group by {{ level }}_id
    )
{%- endmacro %}
