-- How far each node can be trusted: until which day it was read, is final, and adds up, and whether this publication shows
-- its latest rows. The pipeline writes what is held back into published files only; before that, nothing is.
{{ config(materialized='view') }}
with nodes as (
    select *, replace(node_id, 'act_', '') as account_id from {{ ref('stg_meta_pipeline__nodes') }}
),

days as (
    select
        account_id,
        max(date_day) as read_until,
        max(date_day) filter (where is_provisional) as provisional_until,
        max(read_at) as read_at
    from {{ ref('int_report_days_read') }}
    group by account_id
),

compared as (
    select
        account_id,
        date_day,
        status,
        spend_difference,
        min(date_day) filter (where status != 'equal') over (partition by account_id) as first_open_day
    from {{ ref('facebook_ads__reconciliation') }}
),

reconciled as (
    select
        account_id,
        max(date_day) filter (where first_open_day is null or date_day < first_open_day) as reconciled_until,
        arg_max(spend_difference, abs(spend_difference)) filter (where status != 'equal') as worst_open_difference
    from compared
    group by account_id
),

failures as (
    select account_id, count(*) as failed_checks
    from {{ ref('fct_check_failures') }}
    where severity = 'error'
    group by account_id
),

publications as (
    select * from {{ ref('stg_meta_pipeline__node_publications') }}
)

select
    nodes.node_id,
    nodes.account_id,
    nodes.kind,
    nodes.node_name,
    nodes.currency,
    days.read_until,
    days.provisional_until,
    days.read_at,
    reconciled.reconciled_until,
    cast(reconciled.worst_open_difference as decimal(18, 6)) as worst_open_difference,
    coalesce(failures.failed_checks, 0) as failed_checks,
    coalesce(publications.is_held_back, false) as is_held_back,
    publications.held_back_reason,
    publications.last_good_at,
    publications.last_good_build_id
from nodes
left join days on nodes.account_id = days.account_id
left join reconciled on nodes.account_id = reconciled.account_id
left join failures on nodes.account_id = failures.account_id
left join publications on nodes.node_id = publications.node_id
