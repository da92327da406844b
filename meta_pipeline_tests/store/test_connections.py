"""Tokens, access, onboardings, grants and alerts, on SQLite and on a real Postgres."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from meta_pipeline.linker.discover import Discovery
from meta_pipeline.linker.links import save
from meta_pipeline.node_kinds import AD_ACCOUNT, PAGE
from meta_pipeline.records import AccessToken, Grant, NodeLink, TokenRef
from meta_pipeline.store.connections import access, alerts, grants, node_links, onboardings, reveals
from meta_pipeline.store.connections.node_links import find_link, list_links
from meta_pipeline.store.coordination.processes import identity
from meta_pipeline.vault.seal import new_key
from meta_pipeline.vault.vault import Vault

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def test_links_are_stored_by_node(engine: sa.Engine) -> None:
    link = NodeLink(
        kind="ad_account", id="act_1", name="A", access="owned", owner_business="B", tasks=("ANALYZE",),
        timezone="Asia/Tokyo", currency="JPY", token_ref="t1",
    )
    save(engine, Discovery((link,)), through="t1", now=NOW)
    newer = NodeLink(
        kind="ad_account", id="act_1", name="A2", access="owned", owner_business="B", tasks=("ANALYZE",),
        timezone="Asia/Tokyo", currency="JPY", token_ref="t2",
    )
    save(engine, Discovery((newer,)), through="t2", now=NOW)

    assert [newer] == list_links(engine) == list_links(engine, kind=AD_ACCOUNT)
    assert newer == find_link(engine, "act_1") and find_link(engine, "act_2") is None
    assert list_links(engine, kind=PAGE) == []


def test_relations_from_listings_outlive_a_discovery_and_are_replaced_by_the_next_listing(engine: sa.Engine) -> None:
    link = NodeLink(
        kind="ad_account", id="act_1", name="A", access="owned", owner_business=None, tasks=(), timezone="UTC",
        currency="EUR", token_ref="t", related=({"kind": "business", "id": "9", "via": "owner"},),
    )
    page = {"kind": "page", "id": "7", "via": "creatives"}
    node_links.save(engine, [link], now=NOW)

    node_links.relate(engine, "act_1", [page], via=("creatives", "ad_sets"))
    node_links.save(engine, [link], now=NOW)  # the daily discovery
    (stored,) = list_links(engine)
    assert [(each["kind"], each["id"]) for each in stored.related] == [("business", "9"), ("page", "7")]

    node_links.relate(engine, "act_1", [page | {"id": "8"}], via=("creatives", "ad_sets"))
    (stored,) = list_links(engine)
    assert [(each["kind"], each["id"]) for each in stored.related] == [("business", "9"), ("page", "8")]


def keep_token(engine: sa.Engine, subject_id: str = "1") -> tuple[Vault, TokenRef]:
    vault = Vault(engine, new_key(), now=lambda: NOW)
    return vault, vault.keep(AccessToken(
        kind="user", value="EAABplain",
    ), subject_id=subject_id, subject_name="Sam", scopes=("ads_read",), expires_at=None,
        data_access_expires_at=None)


def test_a_token_that_is_stored_again_replaces_the_earlier_one(engine: sa.Engine) -> None:
    vault, ref = keep_token(engine)
    vault.retire(ref.id, "190/460", subcode=460)
    vault.keep_incoming(AccessToken(kind="user", value="EAABnew"), "arrival-1")
    assert [token.retired_subcode for token in vault.refs(retired=True)] == [460] and vault.refs() == []
    assert vault.reveal("arrival-1", flow="test").scopes is None
    vault.delete("arrival-1")

    later = NOW + dt.timedelta(days=1)
    again = vault.keep(AccessToken(kind="user", value="EAABnew"), subject_id="1", subject_name="Sam", scopes=("b", "a"),
                       expires_at=later, data_access_expires_at=None)
    assert (again.id, again.scopes, again.expires_at, again.retired_at) == (ref.id, ("a", "b"), later, None)
    assert vault.reveal(ref.id, flow="test").value == "EAABnew"
    assert [row["token_ref"] for row in reveals.find(engine, limit=9)] == [ref.id, "arrival-1"]
    assert reveals.forget_before(engine, NOW + dt.timedelta(days=1)) == 2


def test_the_access_of_a_token_is_replaced_and_that_of_others_stays(engine: sa.Engine) -> None:
    _, first = keep_token(engine)
    _, second = keep_token(engine, "2")
    for ref, nodes in ((first, ("act_1", "act_2")), (second, ("act_2",)), (first, ("act_1",))):
        access.replace(engine, ref.id, [access.Access(
            node_id=node, token_ref=ref.id, through_ref=ref.id, tasks=("ANALYZE",),
        ) for node in nodes], now=NOW)

    assert [reader.token_ref for reader in access.readers(engine, "act_2")] == [second.id]
    assert access.nodes_of(engine, first.id) == ["act_1"] and set(access.by_source_token(engine)) == {first.id, second.id}
    assert access.nodes_stopped_by({first.id}, access.usable_by_node(engine), ["act_1", "act_2"]) == ["act_1"]


def test_an_onboarding_without_a_live_holder_waits_and_an_old_one_is_abandoned(engine: sa.Engine) -> None:
    orphaned = identity().rpartition(":")[0] + ":0"
    for id, holder in (("free", None), ("mine", identity()), ("orphan", orphaned)):
        onboardings.start(engine, id, phase=1, through="a test", browser=None, holder=holder, now=NOW)
    assert [onboarding.id for onboarding in onboardings.find_waiting(engine, now=NOW)] == ["free", "orphan"]
    assert onboardings.find_abandoned(engine, now=NOW) == []

    onboardings.add_result(engine, "free", nodes={"page": 1})
    onboardings.add_result(engine, "free", partitions=2)
    onboardings.update(engine, "free", token_ref="t", status="waiting")
    late = NOW + dt.timedelta(hours=2)
    assert [onboarding.id for onboarding in onboardings.find_waiting(engine, now=late)] == ["free"]
    assert {onboarding.id for onboarding in onboardings.find_abandoned(engine, now=late)} == {"orphan"}
    assert {onboarding.id for onboarding in onboardings.find_abandoned(engine, now=late + dt.timedelta(days=1))} == {"orphan", "mine"}
    stored = onboardings.get(engine, "free")
    assert stored and stored.result == {"nodes": {"page": 1}, "partitions": 2} and not stored.is_ended
    assert onboardings.get(engine, "nobody") is None


def test_the_latest_grant_counts_and_an_alert_is_recorded_once_for_each_target(engine: sa.Engine) -> None:
    grant = Grant(
        token_ref="t", subject_id="1", subject_name="Sam", phase=1, requested=("ads_read",), granted=("ads_read",),
        declined=(), through="a test", granted_at=NOW,
    )
    for grant_record in (grant, Grant(
        token_ref="t", subject_id="1", subject_name="Sam", phase=2, requested=("ads_read",), granted=(),
        declined=("ads_read",), through="a test", granted_at=NOW,
    )):
        grants.record(engine, grant_record)
    assert grants.latest(engine)["t"].declined == ("ads_read",)

    alerts.record_delivery(engine, "k", "log", "text", now=NOW)
    alerts.record_delivery(engine, "k", "email", "text", now=NOW + dt.timedelta(hours=1))
    with pytest.raises(sa.exc.IntegrityError):
        alerts.record_delivery(engine, "k", "log", "text", now=NOW)
    assert alerts.delivered(engine) == {("k", "log"), ("k", "email")} and alerts.latest(engine, 9) == [(NOW, "text")]
    alerts.forget(engine, ["k", "another"], "log")
    assert alerts.delivered(engine) == {("k", "email")}
