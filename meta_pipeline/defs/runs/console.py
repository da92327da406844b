"""Keep Dagster's own lines off the operator's terminal."""

from __future__ import annotations

import logging
import warnings

# The twenty lines of a run go to Dagster's own log.
SILENT_CONSOLE = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def silence_dagster() -> None:
    """Hide Dagster's debug lines and beta warnings in this process."""
    warnings.filterwarnings("ignore")
    # The second one by its own name, because Dagster sets the level of the first again: at every build it would warn of
    # each test that dbt need not run.
    for name in ("dagster", "dagster._core.execution.plan.active"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
