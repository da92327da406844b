-- What changed of the linked nodes, and when a discovery showed it.
with changes as (
    select * from {{ ref('stg_meta_pipeline__link_changes') }}
),

nodes as (
    select * from {{ ref('stg_meta_pipeline__nodes') }}
)

select
    changes.change_id,
    changes.changed_at,
    changes.node_id,
    replace(changes.node_id, 'act_', '') as account_id,
    changes.kind,
    nodes.node_name,
    changes.change_type,
    changes.value_before,
    changes.value_after
from changes
left join nodes on changes.node_id = nodes.node_id
