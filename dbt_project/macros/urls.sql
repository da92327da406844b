{# The host of an address, without port; null when there is none. #}
{% macro url_host(url) -%}
    nullif(regexp_extract({{ url }}, '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]+)', 1), '')
{%- endmacro %}

{# The path of an address, without its query. #}
{% macro url_path(url) -%}
    nullif(regexp_extract({{ url }}, '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*(/[^?#]*)', 1), '')
{%- endmacro %}

{# The first value of a tag in a query, decoded where the database can. #}
{% macro url_tag(query, name) -%}
    nullif(url_decode(replace(regexp_extract({{ query }}, '(?:^|[&?]){{ name }}=([^&#]*)', 1), '+', ' ')), '')
{%- endmacro %}
