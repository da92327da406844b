"""Keep Dagster's own lines off the operator's terminal."""

from __future__ import annotations

import logging
import warnings

# The twenty lines of a run go to Dagster's own log.
SILENT_CONSOLE = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def silence_dagster() -> None:
    """Hide Dagster's debug lines and beta warnings in this process."""
    warnings.filterwarnings("ignore")
    # The second logger has its own entry, because Dagster resets the level of the first: it would warn at every build
    # about each test that dbt does not have to run.
    for name in ("dagster", "dagster._core.execution.plan.active"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
