"""The times of the schedules, in UTC: their cron expressions, and the next time after now."""

from __future__ import annotations

import datetime as dt

from meta_pipeline.node_kinds import AD_ACCOUNT, INSTAGRAM_ACCOUNT, PAGE

# By name of the kind of node that is pulled.
PULLS = {AD_ACCOUNT.name: "0 */6 * * *", PAGE.name: "10 */6 * * *", INSTAGRAM_ACCOUNT.name: "20 */6 * * *"}
PULL_ENTITIES = "30 */6 * * *"
PULL_STORIES = "40 * * * *"
PULL_LEADS = "50 */6 * * *"
PULL_CONVERSATIONS = "40 * * * *"
CHECK_CONNECTIONS = "15 4 * * *"
COMPACT_LANDING = "45 4 * * *"
EXPIRE_DATA = "15 5 * * *"


def next_run(cron: str, *, now: dt.datetime) -> dt.datetime:
    """Return the first time after `now` that matches a cron expression."""
    from dagster._utils.schedules import cron_string_iterator

    for moment in cron_string_iterator(now.timestamp(), cron, "UTC"):
        if moment > now:
            return moment
    raise ValueError(cron)
