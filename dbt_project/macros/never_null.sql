{# A generic test: none of these columns is null. One test for all, because a node of dbt costs more time than its query. #}
{% test never_null(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
where {% for column in columns %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}
