{{ breakdown_days('ad_insights_by_product', ['product_id']) }}
