-- Requests of people by day, and how fast the Page answered them.
with requests as (
    select * from {{ ref('int_conversation_requests') }}
),

pages as (
    select * from {{ ref('stg_meta_pipeline__nodes') }}
)

select
    requests.date_day,
    requests.page_id,
    pages.node_name as page_name,
    requests.platform,
    count(distinct requests.conversation_id) as conversations,
    count(*) as requests,
    count(requests.answered_at) as answered_requests,
    count(*) filter (requests.response_time_s <= 3600) as requests_answered_within_1h,
    count(*) filter (requests.response_time_s <= 86400) as requests_answered_within_24h,
    cast(sum(requests.response_time_s) as bigint) as total_response_time_s,
    sum(requests.response_time_s) / nullif(count(requests.answered_at), 0) as average_response_time_s,
    cast(median(requests.response_time_s) as double) as median_response_time_s
from requests
left join pages on requests.page_id = pages.node_id
group by requests.date_day, requests.page_id, pages.node_name, requests.platform
