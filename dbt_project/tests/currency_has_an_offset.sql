-- Without Meta's offset of a currency its budgets are null, not guessed: put it into seeds/currency_offsets.csv.
{{ config(severity='warn') }}
select accounts.account_id, accounts.currency
from {{ ref('stg_meta_ads__accounts') }} as accounts
left join {{ ref('stg_meta_ads__currencies') }} as currencies on accounts.currency = currencies.currency
where currencies.currency is null
