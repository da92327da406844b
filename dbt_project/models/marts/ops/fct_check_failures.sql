-- Checks that one node can fail, as data: a failure marks that node's days and stops no other. It is a table, so
-- that a published file shows why a node is held back while it shows that node's earlier rows (decision 0057).
{{ config(materialized='table') }}
with days as (
    select
        coalesce(checked.report, ledger.report) as report,
        coalesce(checked.account_id, ledger.account_id) as account_id,
        coalesce(checked.date_day, ledger.date_day) as date_day,
        checked.* exclude (report, account_id, date_day),
        ledger.rows_read,
        ledger.unknown_rows,
        coalesce(ledger.is_provisional, true) as is_provisional,
        accounts.currency as account_currency,
        coalesce(checked.date_day, ledger.date_day) < {{ utc_today() }} - {{ var('frozen_after_days') }} as is_frozen
    from {{ ref('int_checked_days') }} as checked
    full outer join (
        select * from {{ ref('int_report_days_read') }}
        where report in ({{ quoted_list(names_of_checked_reports()) }})
    ) as ledger
        on checked.report = ledger.report
        and checked.account_id = ledger.account_id
        and checked.date_day = ledger.date_day
    left join {{ ref('int_accounts_current') }} as accounts
        on coalesce(checked.account_id, ledger.account_id) = accounts.account_id
),

failures as (
    select
        'doubled_rows' as check_name, report, account_id, date_day, 'error' as severity,
        doubled_rows || ' of ' || rows_loaded || ' rows have the key of another' as detail
    from days
    where doubled_rows > 0

    union all
    select
        'rows_of_ledger', report, account_id, date_day, 'error',
        coalesce(rows_loaded, 0) || ' rows are loaded, ' || rows_read || ' were read'
    from days
    where coalesce(rows_loaded, 0) <> rows_read

    union all
    select
        'lost_value', report, account_id, date_day, 'error',
        concat(
            lost_values, ' values are not of their column''s type or have more digits than it holds, such as ', lost_example
        )
    from days
    where lost_example is not null

    union all
    select
        'currency', report, account_id, date_day, 'error',
        concat(
            'rows are in ', currency, case when other_currency <> currency then ' and ' || other_currency end,
            ', the account is in ', account_currency
        )
    from days
    where currency <> other_currency or currency <> account_currency

    union all
    select
        'impossible_value', report, account_id, date_day,
        case when negative_rows > 0 then 'error' else 'warn' end,
        negative_rows || ' rows have a negative figure, ' || rows_with_excessive_reach || ' more reach than impressions'
    from days
    where negative_rows > 0 or rows_with_excessive_reach > 0

    union all
    select
        'unknown_breakdown', report, account_id, date_day, 'warn',
        unknown_rows || ' of ' || rows_read || ' rows have no value of the breakdown'
    from days
    where unknown_rows * 100 > rows_read * {{ var('unknown_rows_percent') }}

    union all
    select
        'breakdown_adds_up', parts.report, parts.account_id, parts.date_day,
        case when parts.is_frozen then 'error' else 'warn' end,
        concat(
            'the parts differ from the account by ', parts.spend - totals.spend, ' in spend, ',
            parts.impressions - totals.impressions, ' impressions and ', parts.clicks_all - totals.clicks_all, ' clicks'
        )
    from days as parts
    inner join days as totals
        on totals.report = 'account_insights'
        and parts.account_id = totals.account_id
        and parts.date_day = totals.date_day
    where parts.report in ({% for name in var('breakdowns_that_add_up') %}'ad_insights_by_{{ name }}'{{ ', ' if not loop.last }}{% endfor %})
        and not parts.is_provisional
        and not totals.is_provisional
        and (
            parts.impressions <> totals.impressions
            or parts.clicks_all <> totals.clicks_all
            or parts.spend <> totals.spend
        )

    union all
    select
        'reconciliation', 'ad_insights', account_id, date_day,
        case when status = 'different' then 'error' else 'warn' end,
        concat(
            'the ads differ from the account by ', spend_difference, ' in spend, ', impressions_difference,
            ' impressions and ', clicks_difference, ' clicks'
        )
    from {{ ref('facebook_ads__reconciliation') }}
    where status <> 'equal'
)

select * from failures
