{{ breakdown_staging('ad_insights_by_demographics', ['age', 'gender']) }}
