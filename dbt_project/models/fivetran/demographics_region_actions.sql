-- Without rows: the report by region requests no actions, because Meta does not give them for all regions.
select
    cast(null as varchar) as _fivetran_id,
    cast(null as varchar) as account_id,
    cast(null as date) as date,
    cast(null as bigint) as index,
    cast(null as varchar) as action_type,
    cast(null as decimal(18, 6)) as value,
    cast(null as timestamp with time zone) as _fivetran_synced
where false
