{{ fivetran_demographics('region') }}
