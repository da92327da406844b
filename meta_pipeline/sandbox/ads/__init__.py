"""Ad accounts, campaigns, ad sets, ads and creatives: their nodes, edges and edits; Ads Insights is in `insights/`."""
