{# CTEs over the states of one kind of entity. `latest`: the last state of each id in which it could be read. `unlisted`:
   the ids that were never read in a listing, with the last name that their insights had. #}
{% macro latest_states(level, states, insights, parents=[]) -%}
    latest as (
        select * from {{ states }} {{ only_changed() }}
        qualify error is null
            and row_number() over (partition by {{ level }}_id order by error is null desc, seen_at desc) = 1
    ),

    unlisted as (
        select
            {{ level }}_id,
            {%- for column in parents + [level ~ '_name', 'currency'] %}
            arg_max({{ column }}, [cast(date_day as varchar), {{ column }}]) as {{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        from (select * from {{ insights }} {{ only_changed() }}) as insights
        where not exists (select 1 from latest where latest.{{ level }}_id = insights.{{ level }}_id)
        group by {{ level }}_id
    )
{%- endmacro %}
