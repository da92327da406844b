{# Two CTEs over the states a kind of thing was seen in.

   `spans`: one row per id and valid_from. A state is valid from Meta's own `updated_time` where that lies after the look
   that showed the state before, and not after the look that showed this one; else from the look itself: accounts and
   creatives have no such time, what a parent or a review changed does not move it, and one in the future is none.
   Each span ends where the next one begins.

   `known`: what is known of the thing in that span. A state that is an error (it can't be read any more) says nothing
   of the thing, so it keeps what was known before. #}
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

{# The columns of a span: from when until when, whether it is the last one, when it was seen that the thing is deleted. #}
{% macro span_columns(has_status=true) -%}
    spans.valid_from,
    spans.valid_to,
    spans.valid_to is null as is_current,
    spans.seen_at,
    {% if has_status %}case when known.status = 'DELETED' then spans.known_at end as deleted_seen_at,
    {% endif -%}
    spans.error
{%- endmacro %}
