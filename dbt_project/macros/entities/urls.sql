{# The host of a URL, without port; null if there is none. #}
{% macro url_host(url) -%}
    nullif(regexp_extract({{ url }}, '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]+)', 1), '')
{%- endmacro %}

{# The path of a URL, without its query. #}
{% macro url_path(url) -%}
    nullif(regexp_extract({{ url }}, '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*(/[^?#]*)', 1), '')
{%- endmacro %}

{# The first value of a query parameter, URL-decoded. #}
{% macro url_tag(query, name) -%}
    nullif(url_decode(replace(regexp_extract({{ query }}, '(?:^|[&?]){{ name }}=([^&#]*)', 1), '+', ' ')), '')
{%- endmacro %}
