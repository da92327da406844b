{{ breakdown_staging('ad_insights_by_product', ['product_id']) }}
