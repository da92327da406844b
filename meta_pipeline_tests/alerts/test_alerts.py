"""Alerts about tokens, and their days: a hundred simulated days with four sends each."""

from __future__ import annotations

import datetime as dt

import pytest

from harness.frozen_clock import PUBLIC
from meta_pipeline.alerts.due import threshold_of
from meta_pipeline.flows.connections import relinking, tokens
from meta_pipeline_tests.alerts.conftest import DAY, Walk


def test_a_person_whose_token_is_renewed_is_alerted_about_data_access_only(walk: Walk) -> None:
    walk.runtime.onboard(walk.runtime.mint(days=60))

    assert walk.days(100) == [
        (76, "data_access:14"), (83, "data_access:7"), (87, "data_access:3"), (89, "data_access:1"), (90, "dead")]
    walk.assert_every_target_received_the_same(5)
    assert "has not used this app for 90 days" in walk.lines[-1] and "Northwind US" in walk.lines[-1]
    assert f"{PUBLIC}/connect?phase=2" in walk.lines[0]


def test_a_person_whose_token_can_not_be_renewed_is_alerted_until_it_ends(walk: Walk) -> None:
    walk.runtime.onboard(walk.runtime.mint(days=60))
    walk.runtime.graph.faults.plan([{"fault": "500", "path": "GET oauth/access_token", "times": 10**6}])

    assert walk.days(70) == [(46, "expiry:14"), (53, "expiry:7"), (57, "expiry:3"), (59, "expiry:1"), (60, "dead")]
    walk.assert_every_target_received_the_same(5)
    assert "has not renewed the consent in time" in walk.lines[-1] and "Northwind US" in walk.lines[-1]
    # The tokens of the Pages are valid until their data access ends: one alert for the three of them.
    assert walk.days(100) == [
        (76, "data_access:14"), (83, "data_access:7"), (87, "data_access:3"), (89, "data_access:1"), (90, "dead")]
    walk.assert_every_target_received_the_same(10)
    assert walk.lines[-1].startswith("Tokens of 3 Pages, through Sam Operator,") and "Northwind US" not in walk.lines[-1]


def test_a_system_user_is_renewed_without_an_alert(walk: Walk) -> None:
    walk.runtime.onboard(walk.runtime.mint("SYSTEM_USER", days=60))

    assert walk.days(100) == []


def test_a_system_user_that_never_expires_causes_no_alert(walk: Walk) -> None:
    walk.runtime.onboard(walk.runtime.mint("SYSTEM_USER"))

    assert walk.days(100) == []


def test_a_token_that_dies_is_reported_at_once_and_nothing_stops_while_another_reads(walk: Walk) -> None:
    walk.runtime.onboard(walk.runtime.mint(days=60))
    walk.runtime.onboard(walk.runtime.mint("SYSTEM_USER"))
    assert walk.days(10) == []
    walk.runtime.graph.identity.invalidate(460, "USER")

    assert walk.days(100) == [(11, "dead")]  # one alert for the person and all of their Pages
    walk.assert_every_target_received_the_same(1)
    assert "changed the password" in walk.lines[0]
    assert "Nothing stops" in walk.lines[0]


def test_connecting_again_starts_the_alerts_anew(walk: Walk) -> None:
    ref = walk.runtime.onboard(walk.runtime.mint(days=60))
    assert [name for _, name in walk.days(80)] == ["data_access:14"]
    assert walk.runtime.onboard(walk.runtime.mint(days=60)).id == ref.id

    assert walk.days(150) == []
    assert [name for _, name in walk.days(171)] == [
        "data_access:14", "data_access:7", "data_access:3", "data_access:1", "dead"]


def test_thresholds_that_passed_together_are_one_alert(walk: Walk) -> None:
    walk.runtime.onboard(walk.runtime.mint(days=60))
    walk.runtime.graph.faults.plan([{"fault": "500", "path": "GET oauth/access_token", "times": 10**6}])
    walk.runtime.clock.at += 58 * DAY

    assert [alert.key.rpartition(":")[2] for alert in walk.send()[0]] == ["3"]
    assert walk.send() == ([], [])


def test_a_target_that_is_down_receives_the_alert_later_and_the_others_not_twice(walk: Walk) -> None:
    walk.runtime.onboard(walk.runtime.mint(days=60))
    walk.runtime.graph.faults.plan([{"fault": "500", "path": "GET oauth/access_token", "times": 10**6}])
    walk.runtime.clock.at += 50 * DAY
    walk.receiver.status = 500
    _, problems = walk.send()
    assert problems == ["the alert webhook answered HTTP 500"]
    assert (len(walk.lines), len(walk.receiver.received), len(walk.mail.received)) == (1, 0, 1)
    walk.receiver.status = 200
    walk.send()
    walk.send()

    walk.assert_every_target_received_the_same(1)


def test_disconnecting_causes_no_alert(walk: Walk) -> None:
    ref = walk.runtime.onboard(walk.runtime.mint(days=60))
    tokens.disconnect(ref.id, graph=walk.runtime.client, tokens=walk.runtime.vault)

    assert walk.days(100) == []


def test_nodes_that_no_other_token_reads_are_listed_as_stopped(walk: Walk) -> None:
    walk.runtime.onboard(walk.runtime.mint(days=60))
    walk.runtime.onboard(walk.runtime.mint("SYSTEM_USER", scopes=("pages_show_list", "pages_read_engagement", "read_insights")))
    walk.runtime.graph.identity.invalidate(458, "USER")
    tokens.check_tokens(graph=walk.runtime.client, tokens=walk.runtime.vault, now=walk.runtime.clock.now())
    ((alert,), _) = walk.send()

    assert "Northwind US" in alert.stops and "Aroha Outdoor" not in alert.stops
    relinking.relink_all(graph=walk.runtime.client, tokens=walk.runtime.vault, engine=walk.runtime.engine, now=walk.runtime.clock.now())


def test_a_lost_permission_is_reported_once_with_the_link_that_restores_it(walk: Walk) -> None:
    ref = walk.runtime.onboard(walk.runtime.mint("SYSTEM_USER"))
    assert walk.days(2) == []
    walk.runtime.graph.identity.revoke_permissions(ref.subject_id, "read_insights")

    assert [kind.partition(":")[0] for _, kind in walk.days(30)] == ["scope"]  # one alert for it and its Page tokens
    walk.assert_every_target_received_the_same(1)
    assert "has lost the permission read_insights. The figures of Pages stay empty" in walk.lines[0]
    assert "Stopped by it: Aroha Outdoor, " in walk.lines[0].replace("Northwind, ", "")  # Pages, and no ad account
    assert "Northwind US" not in walk.lines[0] and f"{PUBLIC}/connect?phase=2&rerequest=1" in walk.lines[0]


def test_a_page_token_that_lost_a_permission_is_reported_alone(walk: Walk) -> None:
    walk.runtime.onboard(walk.runtime.mint("SYSTEM_USER"))
    walk.runtime.graph.identity.withheld["3000000000001"] = frozenset(["read_insights"])
    assert [kind.partition(":")[0] for _, kind in walk.days(3)] == ["scope"]
    walk.runtime.graph.identity.withheld["3000000000002"] = frozenset(["read_insights"])
    assert [kind.partition(":")[0] for _, kind in walk.days(30)] == ["scope"]

    walk.assert_every_target_received_the_same(2)
    for line, page, neighbour in zip(
        walk.lines, ("Northwind", "Aroha Outdoor"), ("Aroha Outdoor", "Sakura Beauty"), strict=True
    ):
        assert line.startswith(f"Page token of {page}, through ") and "permission read_insights" in line
        assert f"Stopped by it: {page}." in line and neighbour not in line


def test_a_permission_that_was_never_granted_causes_no_alert(walk: Walk) -> None:
    walk.runtime.onboard(walk.runtime.mint("SYSTEM_USER", scopes=("ads_read", "pages_show_list")))

    assert walk.days(30) == []


@pytest.mark.parametrize(("left", "threshold"), [
    (dt.timedelta(days=14, seconds=1), None), (dt.timedelta(days=14), 14), (dt.timedelta(days=7, hours=1), 14),
    (dt.timedelta(days=7), 7), (dt.timedelta(days=3), 3), (dt.timedelta(days=1), 1), (dt.timedelta(seconds=1), 1),
    (dt.timedelta(0), None), (-DAY, None),
])
def test_the_threshold_is_the_lowest_that_was_reached(left: dt.timedelta, threshold: int | None) -> None:
    now = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)

    assert threshold_of(now + left, now=now) == threshold
