-- What every report said of an account's day, and from when until when: `valid_from <= :moment and (valid_to > :moment or
-- valid_to is null)` is how it was at that moment. A day that had no row then has zeros, or null where the report does not
-- ask for a figure.
select
    report,
    account_id,
    date_day,
    valid_from,
    valid_to,
    is_current,
    cast(rows_read as bigint) as rows_read,
    cast(impressions as bigint) as impressions,
    cast(clicks_all as bigint) as clicks_all,
    cast(link_clicks as bigint) as link_clicks,
    cast(spend as decimal(18, 6)) as spend
from {{ ref('int_day_versions_spanned') }}
