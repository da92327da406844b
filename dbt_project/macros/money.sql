{# Convert an amount from Meta's minor units to major units; null if the currency is not in the table of offsets, never
   a guess. #}
{% macro major_units(amount, minor_units) -%}
    try_cast({{ amount }} * cast(1.0 / {{ minor_units }} as decimal(9, 6)) as decimal(24, 6))
{%- endmacro %}

{# The budgets of a campaign or an ad set in a span (`entity_spans`), in major units. The remaining budget differs at every
   read, so only the current span has it. #}
{% macro budget_columns() -%}
    {{ major_units('known.daily_budget_minor_units', 'currencies.minor_units') }} as daily_budget,
    {{ major_units('known.lifetime_budget_minor_units', 'currencies.minor_units') }} as lifetime_budget,
    case
        when spans.valid_to is null
            then {{ major_units('now.budget_remaining_minor_units', 'currencies.minor_units') }}
    end as budget_remaining
{%- endmacro %}

{# The budgets of `latest`, the last state of a campaign or an ad set, in major units (`join_currency_offsets`). #}
{% macro current_budgets(level) -%}
    {{ major_units('latest.daily_budget_minor_units', 'currencies.minor_units') }} as {{ level }}_daily_budget,
    {{ major_units('latest.lifetime_budget_minor_units', 'currencies.minor_units') }} as {{ level }}_lifetime_budget
{%- endmacro %}

{# Join the currency of the rows' account, and its number of minor units at Meta. #}
{% macro join_currency_offsets(rows) -%}
left join {{ ref('stg_meta_ads__accounts') }} as accounts on {{ rows }}.account_id = accounts.account_id
left join {{ ref('stg_meta_ads__currencies') }} as currencies on accounts.currency = currencies.currency
{%- endmacro %}
