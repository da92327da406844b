{# A generic test: each id has one last span, every other one ends where the next begins, and none is empty. #}
{% test contiguous_spans(model, id) %}
with spans as (
    select
        {{ id }},
        valid_from,
        valid_to,
        is_current,
        lead(valid_from) over (partition by {{ id }} order by valid_from) as next_from
    from {{ model }}
)

select *
from spans
where valid_to is distinct from next_from
    or is_current <> (next_from is null)
    or valid_to <= valid_from
{% endtest %}
