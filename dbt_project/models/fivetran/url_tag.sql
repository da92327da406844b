-- Each key once: of a key that a query has twice, the first value.
with tags as (
    select
        {{ creative_state_id() }} as _fivetran_id,
        dims.creative_id,
        unnest({{ url_tags_list('dims.url_tags') }}) as tag,
        generate_subscripts({{ url_tags_list('dims.url_tags') }}, 1) as position
    from {{ ref('dim_creatives') }} as dims
    where dims.error is null
)

select
    _fivetran_id,
    creative_id,
    tag.key,
    arg_min(coalesce(tag.value, ''), position) as value,
    any_value(tag.type) as type
from tags
group by _fivetran_id, creative_id, tag.key
