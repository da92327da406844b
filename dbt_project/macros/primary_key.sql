{# A generic test: no two rows share these columns, and none of them is null. One test for both, because a node of dbt
   costs more time than its query. #}
{% test primary_key(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1{% for column in columns %} or {{ column }} is null{% endfor %}
{% endtest %}
