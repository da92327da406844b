-- Every state of a linked node with its validity, as all tokens in use saw it together.
with versions as (
    select * from {{ ref('stg_meta_pipeline__node_versions') }}
)

select
    node_id,
    replace(node_id, 'act_', '') as account_id,
    kind,
    node_name,
    access,
    owner_business_id,
    owner_business,
    tasks,
    timezone_name,
    currency,
    is_reached,
    valid_from,
    valid_to,
    valid_to is null as is_current
from versions
