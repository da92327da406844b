{# Leads and their cost, by day and by the columns `by`. Organic leads cost nothing, so the cost of a lead is that of a
   paid one. Amounts of several currencies are not added up: the currency is part of the grain. #}
{% macro lead_measures() -%}
    cast(sum(days.leads) as bigint) as leads,
    cast(sum(days.leads_organic) as bigint) as leads_organic,
    cast(sum(days.leads - days.leads_organic) as bigint) as leads_paid,
    cast(sum(days.spend) as decimal(18, 6)) as spend,
    cast(sum(days.spend) / nullif(sum(days.leads - days.leads_organic), 0) as decimal(18, 6)) as cost_per_lead
{%- endmacro %}
