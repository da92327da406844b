{{ fivetran_ad_actions('action_value') }}
