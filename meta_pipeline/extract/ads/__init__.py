"""An ad account: the catalogue of its reports, Ads Insights, and the listings of its campaigns, ad sets, ads and
creatives."""
