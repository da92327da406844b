"""The inventory: every asset, check, job, schedule, sensor and resource by name."""

from __future__ import annotations

import warnings

import dagster as dg

from meta_pipeline.defs.assets.landing import land_entities, land_insights
from meta_pipeline.defs.assets.warehouse import dbt_resource, load_raw, marts, published
from meta_pipeline.defs.checks import TOKENS, api_versions, drift, gated_reports, tokens_live
from meta_pipeline.defs.jobs import check_connections, onboarding_job
from meta_pipeline.defs.resources import RESOURCES
from meta_pipeline.defs.schedules import (
    check_connections_schedule,
    pull_ads,
    pull_ads_schedule,
    pull_entities,
    pull_entities_schedule,
)
from meta_pipeline.defs.sensors import (
    build_marts,
    build_marts_sensor,
    killed_runs_sensor,
    onboarding_sensor,
    token_alerts_sensor,
    waiting_ranges_sensor,
)
from meta_pipeline.files.permissions import keep_private

keep_private()  # this module is loaded by Dagster's processes, which `dagster dev` starts without our command line
# Dagster itself uses features it calls beta for every sensor; the log of `up` is for what an operator can act on.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

defs = dg.Definitions(
    assets=[TOKENS, land_insights, land_entities, load_raw, marts, published],
    asset_checks=[api_versions, drift, gated_reports, tokens_live],
    jobs=[onboarding_job, check_connections, pull_ads, pull_entities, build_marts],
    schedules=[pull_ads_schedule, pull_entities_schedule, check_connections_schedule],
    sensors=[build_marts_sensor, waiting_ranges_sensor, onboarding_sensor, token_alerts_sensor, killed_runs_sensor],
    resources={**RESOURCES, "dbt": dbt_resource()},
    executor=dg.in_process_executor,  # a run has one process: `RuntimeResource` says which
)
