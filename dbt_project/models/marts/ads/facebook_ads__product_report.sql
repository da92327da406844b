{{ breakdown_report('ad_insights_by_product', ['product_id']) }}
