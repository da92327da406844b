"""The result of a build of the marts. No Dagster here: the command line imports it before it starts a worker."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class MartBuild:
    """The result of a build of the marts. `reason`: why it failed; `seconds`: of each step; `skipped`: the landed files
    that could not be read; `repaired`: the days whose rows differed from those that were read, and were loaded again;
    `note`: why there was nothing to build."""

    reason: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()
    note: str | None = None
