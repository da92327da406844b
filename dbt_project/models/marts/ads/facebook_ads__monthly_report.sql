{{ view_of_partitions(['account_insights', 'ad_insights', 'account_reach_month', 'campaign_reach_month'], by='node') }}
{{ period_report('month', grain='month') }}
