{# A generic test: no two rows share these columns, none of them is null, and none of `not_null`. One test for all of it,
   because a node of dbt costs more time than its query. #}
{% test primary_key(model, columns, not_null=[]) %}
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
    {%- for column in columns %} or {{ column }} is null{% endfor %}
    {%- for column in not_null %} or count({{ column }}) < count(*){% endfor %}
{% endtest %}
