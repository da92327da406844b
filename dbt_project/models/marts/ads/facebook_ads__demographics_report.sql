{{ breakdown_report('ad_insights_by_demographics', ['age', 'gender']) }}
