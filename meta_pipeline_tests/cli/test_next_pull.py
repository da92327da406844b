"""The line of `up` with the time of the next pull of each kind of node."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from harness.partitions import NOW, link, settings_of
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.up import run
from meta_pipeline.defs.runs import failed_runs
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT, PAGE, NodeKind

AFTER = "; to read days now: `meta-pipeline backfill`"


@pytest.mark.parametrize(
    ("pages", "accounts", "stopped", "line"),
    [
        (3, 1, (), "18:00 UTC (2 ad accounts), 12:10 UTC (3 Pages), 12:20 UTC (1 Instagram account)"),
        (1, 0, (), "18:00 UTC (2 ad accounts), 12:10 UTC (1 Page)"),
        (
            1, 0, ("pull_pages_schedule",),
            "18:00 UTC (2 ad accounts), none of Pages: pull_pages_schedule is stopped in the Dagster UI",
        ),
    ],
)
def test_the_next_pull_is_printed_by_kind_of_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: int, accounts: int, stopped: Collection[str], line: str
) -> None:
    runtime = Runtime(settings_of(tmp_path), now=lambda: NOW)
    monkeypatch.setattr(failed_runs, "is_stopped", lambda opened, name: name in stopped)
    link(runtime, 2)
    counts: tuple[tuple[NodeKind, int], ...] = ((PAGE, pages), (INSTAGRAM_ACCOUNT, accounts))
    for kind, count in counts:
        link(runtime, count, kind)

    assert run._next_pull(runtime, object()) == line + AFTER


def test_without_a_connection_the_line_says_how_to_connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never_stopped(opened: Any, name: str) -> bool:
        return False

    monkeypatch.setattr(failed_runs, "is_stopped", never_stopped)

    assert run._next_pull(Runtime(settings_of(tmp_path), now=lambda: NOW), object()) == (
        "nothing is connected yet: `meta-pipeline connect`" + AFTER
    )
