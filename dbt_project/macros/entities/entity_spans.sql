{# Two CTEs over the observed states of one kind of entity.

   `spans`: one row per id and valid_from. A state is valid from Meta's own `updated_time` if that is later than the
   previous observation and not later than this one, else from the observation itself: accounts and creatives have no
   such time, a change by a parent or a review does not move it, and one in the future is wrong.
   Each span ends where the next one begins.

   `known`: the attributes of the entity in that span. A state that is an error (the entity can no longer be read) has
   no attributes, so it keeps the last known ones. #}
{% macro entity_spans(states, id) -%}
    looked as (
        select
            {{ id }},
            seen_at,
            error,
            coalesce(max(case when error is null then seen_at end) over looks, seen_at) as known_at,
            case
                when updated_at <= seen_at
                    and updated_at > coalesce(lag(seen_at) over looks, cast('-infinity' as timestamp with time zone))
                    then updated_at
                else seen_at
            end as valid_from
        from {{ states }}
        window looks as (partition by {{ id }} order by seen_at)
    ),

    spans as (
        select
            *,
            lead(valid_from) over (partition by {{ id }} order by valid_from) as valid_to
        from looked
    ),

    known as (
        select * from {{ states }}
    )
{%- endmacro %}

{# The columns of a span: its validity, whether it is the last one, when the deletion was first seen. #}
{% macro span_columns(has_status=true) -%}
    spans.valid_from,
    spans.valid_to,
    spans.valid_to is null as is_current,
    spans.seen_at,
    {% if has_status %}case when known.status = 'DELETED' then spans.known_at end as deleted_seen_at,
    {% endif -%}
    spans.error
{%- endmacro %}
