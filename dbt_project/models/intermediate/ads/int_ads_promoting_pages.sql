-- The Page that an ad promotes: that of its creative's story spec, else of the post that the creative shows, else the
-- one that its ad set promotes. Each is the last one known: a deleted ad and an unreadable creative keep theirs.
{{ stored_partitions(['ads_history', 'creatives_history', 'ad_sets_history'], by='node') }}
with ads as (
    select
        account_id,
        ad_id,
        arg_max(ad_set_id, seen_at) filter (where ad_set_id is not null) as ad_set_id,
        arg_max(creative_id, seen_at) filter (where creative_id is not null) as creative_id
    from {{ ref('stg_meta_ads__ad_history') }}
    {{ only_changed() }}
    group by account_id, ad_id
),

creatives as (
    select creative_id, arg_max(page_id, seen_at) as page_id
    from (
        select
            creative_id,
            seen_at,
            coalesce(story_page_id, nullif(split_part(effective_object_story_id, '_', 1), '')) as page_id
        from {{ ref('stg_meta_ads__creative_history') }}
        {{ only_changed() }}
    )
    where page_id is not null
    group by creative_id
),

ad_sets as (
    select ad_set_id, arg_max(promoted_page_id, seen_at) as page_id
    from (select * from {{ ref('stg_meta_ads__ad_set_history') }} {{ only_changed() }})
    where promoted_page_id is not null
    group by ad_set_id
)

select ads.account_id, ads.ad_id, coalesce(creatives.page_id, ad_sets.page_id) as page_id
from ads
left join creatives on ads.creative_id = creatives.creative_id
left join ad_sets on ads.ad_set_id = ad_sets.ad_set_id
where coalesce(creatives.page_id, ad_sets.page_id) is not null
