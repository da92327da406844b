{# A generic test: no two rows share these columns, of which some may be null, and the columns of `not_null` are not. #}
{% test unique_grain(model, columns, not_null=[]) %}
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1{% for column in not_null %} or count({{ column }}) < count(*){% endfor %}
{% endtest %}
