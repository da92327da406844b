{# Numbers by key in a JSON object such as `{"like": 2, "love": 3}`, as a map; null if the text is not an object. #}
{% macro numbers_by_key(json) -%}
    try_cast(try_cast({{ json }} as json) as map(varchar, decimal(24, 6)))
{%- endmacro %}

{# The sum of a map of numbers; 0 if it is empty, because Meta leaves out keys without a value. #}
{% macro sum_of_keys(numbers) -%}
    case when {{ numbers }} is not null then coalesce(list_sum(map_values({{ numbers }})), 0) end
{%- endmacro %}

{# Graph's `total_value` of a metric, parsed. #}
{% macro total_value(json) -%}
    try(from_json({{ json }}, '{"value": "VARCHAR", "breakdowns": [{"dimension_keys": ["VARCHAR"], "results": [
        {"dimension_values": ["VARCHAR"], "value": "VARCHAR"}]}]}'))
{%- endmacro %}

{# The results of all breakdowns in a parsed `total_value`: a list of dimension_keys, dimension_values and value. #}
{% macro breakdown_results(parsed) -%}
    flatten(list_transform(
        {{ parsed }}.breakdowns,
        lambda part: list_transform(
            coalesce(part.results, []),
            lambda result: {
                dimension_keys: part.dimension_keys,
                dimension_values: result.dimension_values,
                value: try_cast(result.value as bigint)
            }
        )
    ))
{%- endmacro %}

{# The value of the first result that has this dimension value, null if Meta returned none. #}
{% macro result_value(results, dimension_value) -%}
    list_filter({{ results }}, lambda result: upper(result.dimension_values[1]) = '{{ dimension_value }}')[1].value
{%- endmacro %}

{# The insights of a post, media or story in Graph's form, parsed: a list of name, value, tag and results of the metrics
   that have a value; null if they were not read. #}
{% macro lifetime_insights(json) -%}
    list_filter(
        list_transform(
            try(from_json({{ json }}, '[{"name": "VARCHAR", "period": "VARCHAR",
                "values": [{"value": "VARCHAR", "is_from_ads": "VARCHAR", "is_from_followers": "VARCHAR"}],
                "total_value": {"value": "VARCHAR", "breakdowns": [{"dimension_keys": ["VARCHAR"], "results": [
                    {"dimension_values": ["VARCHAR"], "value": "VARCHAR"}]}]}}]')),
            lambda entry: {
                name: entry.name,
                period: coalesce(entry.period, 'lifetime'),
                value: coalesce(entry.values[1].value, entry.total_value.value),
                is_tagged: coalesce(entry.values[1].is_from_ads, entry.values[1].is_from_followers) is not null,
                results: {{ breakdown_results('entry.total_value') }}
            }
        ),
        lambda entry: entry.period = 'lifetime' and (entry.value is not null or len(entry.results) > 0)
    )
{%- endmacro %}

{# The total of a lifetime metric in the column `insights`, null if Meta returned none. #}
{% macro lifetime_metric(name, type='bigint') -%}
    try_cast({{ lifetime_text(name) }} as {{ type }})
{%- endmacro %}

{% macro lifetime_text(name) -%}
    list_filter(insights, lambda entry: entry.name = '{{ name }}' and not entry.is_tagged)[1].value
{%- endmacro %}

{# A lifetime metric that Meta returns in milliseconds, converted to seconds. #}
{% macro lifetime_seconds(name) -%}
    {{ seconds(lifetime_metric(name, 'decimal(18, 3)')) }}
{%- endmacro %}

{# Milliseconds as seconds. #}
{% macro seconds(milliseconds) -%}
    try_cast({{ milliseconds }} * cast(0.001 as decimal(4, 3)) as decimal(18, 3))
{%- endmacro %}

{# The value of a Page metric in the group's rows: the total, or that of one value of a breakdown. #}
{% macro page_metric(name, breakdown=none, tag=none) -%}
    max(value) filter (
        where metric = '{{ name }}' and
        {%- if breakdown %} breakdown = '{{ breakdown }}' and {{ breakdown }} = '{{ tag }}'{% else %} breakdown is null{% endif -%}
    )
{%- endmacro %}

{# The value of an Instagram account's metric in the group's rows; the total that was read without a breakdown first. #}
{% macro instagram_metric(name) -%}
    cast(coalesce(
        max(value) filter (where metric = '{{ name }}' and breakdown is null),
        max(value) filter (where metric = '{{ name }}')
    ) as bigint)
{%- endmacro %}

{# One of the two parts of a total. Meta sometimes leaves out a row of a breakdown whose value is 0: a missing part is 0
   if the other part equals the total. Otherwise it is unknown and null, not the difference: the total and the parts come from
   two requests, and a value may change between them. #}
{% macro part_of_total(part, other, total) -%}
    case
        when {{ part }} is not null then {{ part }}
        when {{ total }} = coalesce({{ other }}, 0) then 0
    end
{%- endmacro %}

{# Condition: a text is neither a number nor an object of numbers. #}
{% macro is_no_number(value) -%}
    try_cast({{ value }} as decimal(24, 6)) is null
    and coalesce(
        len(list_filter(map_values({{ numbers_by_key(value) }}), lambda number: number is null)) > 0,
        true
    )
{%- endmacro %}

{# The values of a media or story in the column `insights`. #}
{% macro media_values() -%}
    {% for name in media_metrics() -%}
    {{ reported_or(name, lifetime_metric(name)) }} as {{ name }},
    {% endfor -%}
    {% for name in media_durations() -%}
    {{ lifetime_seconds(name) }} as {{ name }},
    {% endfor -%}
    {% set by_action = "list_filter(insights, lambda entry: entry.name = 'navigation' and len(entry.results) > 0)[1].results" -%}
    {% for name, action in story_actions().items() -%}
    {% set polled = "coalesce(" ~ result_value(by_action, action) ~ ", " ~ lifetime_metric(name) ~ ")" -%}
    {{ reported_or(name, polled) }} as {{ name }}{{ ',' if not loop.last }}
    {% endfor -%}
{%- endmacro %}

{# A value of a story: the one that a webhook reported when it ended, if there is one, or the one that was `polled`. #}
{% macro reported_or(name, polled) -%}
    {% if name in reported_story_metrics() -%}
    coalesce(try_cast(json_extract_string(try_cast(story_insights as json), '$.{{ name }}') as bigint), {{ polled }})
    {%- else -%}
    {{ polled }}
    {%- endif %}
{%- endmacro %}

{# Names as a list of SQL literals. #}
{% macro quoted_list(names) -%}
    '{{ names | join("', '") }}'
{%- endmacro %}
