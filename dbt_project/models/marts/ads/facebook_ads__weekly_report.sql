-- Weeks from Monday to Sunday, as in ISO 8601.
{{ view_of_partitions(['account_insights', 'ad_insights', 'account_reach_7d', 'campaign_reach_7d'], by='node') }}
{{ period_report('week', grain='7 days') }}
