{{ fivetran_demographics('country') }}
