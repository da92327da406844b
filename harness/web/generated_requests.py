"""The number of requests that the tests of hostile input generate: in the suite a share, always the same one; with
`make fuzz` all of them, different ones every time."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

OF_EACH = "GENERATED_REQUESTS"  # how many of each kind, instead of the share


def generated(share: int, *, of_each: float = 1) -> settings:
    """Return the settings of one test: `share` examples in the suite, and its part `of_each` of the whole number."""
    count = int(os.environ.get(OF_EACH, "0"))
    return settings(
        max_examples=round(count * of_each) or share, derandomize=not count, database=None, deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
