-- A number that is present in raw and null in staging was lost by a cast.
{% for level in ['ad', 'account'] %}
select account_id, day, payload
from {{ source('raw_meta_ads', level ~ '_insights') }}
where (spend is not null and try_cast(spend as decimal(18, 6)) is null)
    or (impressions is not null and try_cast(impressions as bigint) is null)
    or (clicks is not null and try_cast(clicks as bigint) is null)
    or (reach is not null and try_cast(reach as bigint) is null)
    or (inline_link_clicks is not null and try_cast(inline_link_clicks as bigint) is null)
{% if not loop.last %}union all{% endif %}
{% endfor %}
