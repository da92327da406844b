{{ breakdown_days('ad_insights_by_demographics', ['age', 'gender']) }}
