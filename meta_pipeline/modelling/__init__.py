"""Run dbt on the warehouse, and select what a build has to run. The models are in `dbt_project/`."""
