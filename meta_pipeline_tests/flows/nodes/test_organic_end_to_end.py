"""Pages and Instagram accounts on the real command line: sixty days through `backfill` into the marts, and a Page whose
token loses a permission while other Pages and ads are read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from harness.home import Home, make_home
from harness.kills.backfilled_week import connect
from harness.nodes.node_marts import MART_OF, Key, expected_rows, mart_rows, wrong_rows
from harness.nodes.node_truth import NodeTruth, moments_between
from harness.nodes.organic import INSTAGRAM_ACCOUNTS, PAGES, ZONE
from harness.sandbox import serving
from meta_pipeline import bootstrap
from meta_pipeline.extract.instagram.reports import INSTAGRAM_REPORTS
from meta_pipeline.extract.pages.reports import PAGE_REPORTS
from meta_pipeline.settings import Settings

# With the end of summer time in Los Angeles, on 2026-11-01.
SINCE, UNTIL = dt.date(2026, 9, 21), dt.date(2026, 11, 19)
DAYS = [SINCE + dt.timedelta(days=n) for n in range((UNTIL - SINCE).days + 1)]
NODES = {**dict.fromkeys(PAGES, PAGE_REPORTS), **dict.fromkeys(INSTAGRAM_ACCOUNTS, INSTAGRAM_REPORTS)}
Organic = tuple[Home, NodeTruth, tuple[dt.datetime, dt.datetime]]  # and the times at which the reads began and ended


@pytest.fixture(scope="module")
def organic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Organic]:
    """Yield a home that has backfilled every report of every Page and Instagram account."""
    with serving() as sandbox:
        now = bootstrap.system_now()
        sandbox.share_clock(now)
        home = connect(make_home(tmp_path_factory.mktemp("organic"), sandbox))
        nodes = [word for node_id in NODES for word in ("--node", node_id)]
        ran = home.run("backfill", "--since", str(SINCE), "--until", str(UNTIL), *nodes)
        assert ran.returncode == 0, ran.stderr
        yield home, NodeTruth(sandbox.control), (now, bootstrap.system_now())


def test_sixty_days_of_every_page_and_instagram_account_are_exact_in_the_marts(
    organic: Organic
) -> None:
    home, truth, (begun, ended) = organic
    expected: dict[Key, list[dict[str, Any]]] = {}
    for node_id, reports in NODES.items():
        for name, report in reports.items():
            days = [begun.astimezone(ZONE).date()] if report.is_snapshot else DAYS
            every = [truth.facts(name, node_id, days, at) for at in moments_between(begun, ended)]
            for day in days:
                rows = [expected_rows(name, day, facts[day]) for facts in every]
                assert rows[0] or name == "instagram_stories", f"nothing is expected of {name} of {node_id} on {day}"
                expected |= {key: [each.get(key, {}) for each in rows] for key in {key for each in rows for key in each}}

    assert wrong_rows(mart_rows(home.sql), expected) == []
    assert {key[0] for key in expected} == set(MART_OF.values())
    assert len(expected) > 1_500


def test_a_page_that_lost_read_insights_fails_and_other_pages_and_ads_are_read(
    organic: Organic, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, truth, _ = organic
    lost, *neighbours = PAGES
    truth.ask("withheld", {"page_id": lost, "scopes": ["read_insights"]})
    day = str(UNTIL)
    ran = home.run(
        "backfill", "--since", day, "--until", day, "--report", "page_insights", "--report", "account_insights"
    )

    assert ran.returncode == 1
    (reason,) = [line for line in ran.stderr.splitlines() if line.startswith("failed: ")]
    assert reason.startswith(f"failed: {lost}: 1 day(s)")
    assert "the permission read_insights" in reason and "click Connect again and grant it" in reason
    for name, value in home.environment.items():
        if name.startswith("META_PIPELINE_"):
            monkeypatch.setenv(name, value)
    runtime = bootstrap.Runtime(Settings())
    with runtime.engine.connect() as connection:
        landed = connection.execute(sa.text(
            "select report, node_id from landed_files where report in ('page_insights', 'account_insights') and "
            "backfill_id = (select id from backfills order by started_at desc limit 1)"
        )).all()
    assert {node_id for report, node_id in landed if report == "page_insights"} == set(neighbours)
    assert len({node_id for report, node_id in landed if report == "account_insights"}) == 6

    doctor = home.run("doctor")
    assert doctor.returncode == 1
    assert [line for line in doctor.stdout.splitlines() if line.startswith("BAD") and "read_insights" in line]
    assert "is empty since" not in doctor.stdout
    sent, failed = runtime.send_alerts()
    (alert,) = [alert for alert in sent if "read_insights" in alert.subject]
    assert failed == [] and "Northwind" in alert.subject and "Connecting again and granting it" in alert.detail
    assert runtime.send_alerts() == ([], [])
