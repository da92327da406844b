-- Which metrics Meta returns for which node, from what the pipeline learned when it requested them.
with metrics as (
    select * from {{ ref('stg_meta_pipeline__metric_availability') }}
),

nodes as (
    select * from {{ ref('stg_meta_pipeline__nodes') }}
)

select
    metrics.node_id,
    nodes.kind,
    nodes.node_name,
    metrics.report,
    metrics.applies_to,
    metrics.metric,
    metrics.requested_at,
    metrics.answered_at,
    metrics.empty_since,
    metrics.dead_since,
    metrics.reason
from metrics
left join nodes on metrics.node_id = nodes.node_id
