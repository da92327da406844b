"""dbt projects and builds."""
