-- Every day from 2020 to 2035: Meta keeps three years of insights, and a campaign may be planned ahead. It reads no
-- source, so a build leaves it alone unless the project changes.
with days as (
    select cast(unnest(generate_series(date '2020-01-01', date '2035-12-31', interval 1 day)) as date) as date_day
)

select
    date_day,
    cast(date_trunc('week', date_day) as date) as week_start,
    cast(isoyear(date_day) as integer) as iso_year,
    cast(week(date_day) as integer) as iso_week,
    cast(date_trunc('month', date_day) as date) as month_start,
    cast(month(date_day) as integer) as month_of_year,
    cast(date_trunc('quarter', date_day) as date) as quarter_start,
    cast(quarter(date_day) as integer) as quarter_of_year,
    cast(year(date_day) as integer) as calendar_year,
    cast(isodow(date_day) as integer) as day_of_week,
    dayname(date_day) as weekday_name,
    isodow(date_day) >= 6 as is_weekend
from days
