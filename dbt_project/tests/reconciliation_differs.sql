-- A difference of one account must not stop the others, so this is a warning and the marts are built.
{{ config(severity='warn') }}
select * from {{ ref('facebook_ads__reconciliation') }} where status = 'different'
