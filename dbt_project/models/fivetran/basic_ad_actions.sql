{{ fivetran_ad_actions('value') }}
