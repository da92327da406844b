"""The inventory: every asset, check, job, schedule, sensor and resource by name.

Importing this module reads no file and no environment variable. Dagster calls `defs` when it loads the code location;
this works offline with an empty environment. `defs` creates the runtime of the process from the settings and passes it
to everything that depends on it: the reports determine the landing assets, dbt's manifest the models."""

from __future__ import annotations

import functools
import warnings

import dagster as dg

from meta_pipeline.bootstrap import process_runtime
from meta_pipeline.defs.assets.conversations import land_conversations
from meta_pipeline.defs.assets.dbt_manifest import parsed_project
from meta_pipeline.defs.assets.landing import land_entities, landing_assets
from meta_pipeline.defs.assets.leads import land_leads
from meta_pipeline.defs.assets.marts import mart_assets
from meta_pipeline.defs.assets.published import published_asset
from meta_pipeline.defs.assets.raw import raw_assets
from meta_pipeline.defs.checks import TOKENS_SPEC, accounts, api_versions, drift, gated_reports, tokens_live
from meta_pipeline.defs.due_posts import due_posts_sensor, publish_post
from meta_pipeline.defs.jobs import (
    build_marts,
    check_connections,
    check_invitations,
    compact_landing,
    expire_data,
    onboarding_job,
    pull_ads,
    pull_conversations,
    pull_entities,
    pull_instagram,
    pull_leads,
    pull_pages,
)
from meta_pipeline.defs.partner_shares import partner_shares_sensor
from meta_pipeline.defs.resources import resources_of
from meta_pipeline.defs.schedules import (
    check_connections_schedule,
    compact_landing_schedule,
    expire_data_schedule,
    pull_ads_schedule,
    pull_conversations_schedule,
    pull_entities_schedule,
    pull_instagram_schedule,
    pull_leads_schedule,
    pull_pages_schedule,
    pull_stories_schedule,
)
from meta_pipeline.defs.sensors import (
    build_marts_sensor,
    check_alerts_sensor,
    invitations_sensor,
    killed_runs_sensor,
    onboarding_sensor,
    token_alerts_sensor,
    waiting_ranges_sensor,
)
from meta_pipeline.defs.webhooks import subscriptions_sensor, webhooks_sensor
from meta_pipeline.files.permissions import keep_private


@dg.definitions
@functools.cache
def defs() -> dg.Definitions:
    """Return everything that Dagster shows and runs; raise ConfigError for invalid settings."""
    keep_private()  # `dagster dev` starts Dagster's processes without our command line
    # Dagster itself uses beta features for every sensor; the log of `up` has only lines that an operator can act on.
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    runtime = process_runtime()
    marts = mart_assets(parsed_project(runtime.settings))
    return dg.Definitions(
        assets=[
            TOKENS_SPEC, *landing_assets(runtime.reports), land_entities, land_leads,
            land_conversations, raw_assets(runtime.reports), marts, published_asset(marts),
        ],
        asset_checks=[accounts, api_versions, drift, gated_reports, tokens_live],
        jobs=[
            onboarding_job, check_connections, check_invitations, compact_landing, pull_ads, pull_pages, pull_instagram,
            pull_entities, pull_leads, pull_conversations, build_marts, expire_data, publish_post,
        ],
        schedules=[
            pull_ads_schedule, pull_pages_schedule, pull_instagram_schedule, pull_stories_schedule,
            pull_entities_schedule, pull_leads_schedule, pull_conversations_schedule, check_connections_schedule,
            compact_landing_schedule, expire_data_schedule,
        ],
        sensors=[
            build_marts_sensor, waiting_ranges_sensor, onboarding_sensor, token_alerts_sensor, check_alerts_sensor,
            partner_shares_sensor, killed_runs_sensor, invitations_sensor, webhooks_sensor, subscriptions_sensor,
            due_posts_sensor,
        ],
        resources=resources_of(runtime),
        executor=dg.in_process_executor,  # a run has one process: the resource `runtime` tags the run with it
    )
