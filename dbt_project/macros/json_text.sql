{# What stands at a path of a column of JSON text, as text. #}
{% macro json_text(column, path) -%}
    json_extract_string({{ column }}, '{{ path }}')
{%- endmacro %}
