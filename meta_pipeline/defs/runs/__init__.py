"""Dagster runs that the command line starts itself, without the daemon, and the results of runs.

Importing Dagster takes about a second. `backfill_runs`, `mart_build` and `onboarding_run`, which the command line
imports, therefore import it inside functions, in the process that needs it; `range_run` and `mart_build_run` are
imported only by worker processes."""
