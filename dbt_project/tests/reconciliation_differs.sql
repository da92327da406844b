-- One account's difference never stops the others: it is named, and the marts are built all the same.
{{ config(severity='warn') }}
select * from {{ ref('facebook_ads__reconciliation') }} where status = 'different'
