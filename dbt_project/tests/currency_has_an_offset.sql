-- Without Meta's offset, budgets in a currency are null, not guessed. Add the currency to seeds/currency_offsets.csv.
{{ config(severity='warn') }}
select accounts.account_id, accounts.currency
from {{ ref('stg_meta_ads__accounts') }} as accounts
left join {{ ref('stg_meta_ads__currencies') }} as currencies on accounts.currency = currencies.currency
where currencies.currency is null
