"""System users: created, given nodes, given tokens that are preferred, renewed in time and explained when refused."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.cli.connections import vault as vault_list
from meta_pipeline.flows.connections import system_users, tokens
from meta_pipeline.flows.connections.system_users import Admin, StepError, SystemUser
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.errors import TokenError
from meta_pipeline.records import ConfigError, TokenRef
from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.status import overview
from meta_pipeline.store.connections import access
from meta_pipeline.store.connections.node_links import list_links

NORTHWIND, AROHA = "2000000000001", "2000000000002"
SCOPES = ("ads_read", "business_management", "pages_show_list", "pages_read_engagement", "read_insights")
ACCOUNT, PAGE = "act_1000000002", "3000000000001"


@pytest.fixture
def runtime(tmp_path: Path) -> FrozenRuntime:
    """A runtime to which a person is connected."""
    runtime = FrozenRuntime(tmp_path)
    runtime.onboard(runtime.mint(days=60))
    return runtime


def admin(runtime: FrozenRuntime, business_id: str | None = None) -> Admin:
    return system_users.admin_of(business_id, graph=runtime.client, tokens=runtime.vault, engine=runtime.engine)


def connected(runtime: FrozenRuntime, *, expires: bool) -> TokenRef:
    """Create a system user with two nodes and connect its token."""
    business = admin(runtime)
    user_id = business.create("ELT", role="EMPLOYEE")
    for node_id in (ACCOUNT, PAGE):
        business.assign(user_id, node_id)
    business.install(user_id)
    return runtime.onboard(business.mint(user_id, scopes=SCOPES, expires=expires))


def listed_tokens(runtime: FrozenRuntime) -> list[dict[str, Any]]:
    """Return what `vault list --json` prints."""
    described: Any = SimpleNamespace(vault=runtime.vault, connections=lambda with_disconnected: overview.connections(
        engine=runtime.engine, tokens=runtime.vault, action_links=runtime.action_links, features=(), now=runtime.clock.now(),
        with_disconnected=with_disconnected,
    ))
    columns, rows = vault_list.tokens(described)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def test_system_users_are_listed_and_created(runtime: FrozenRuntime) -> None:
    user_id = admin(runtime).create("ELT", role="EMPLOYEE")

    assert admin(runtime).list_all() == [
        SystemUser(id="1020000000000099", name="Northwind ELT (system user)", role="ADMIN"),
        SystemUser(id=user_id, name="ELT", role="EMPLOYEE"),
    ]


def test_a_system_user_reads_what_it_was_given_and_is_preferred_over_a_person(runtime: FrozenRuntime) -> None:
    person = next(ref for ref in runtime.vault.refs() if ref.kind == "user")
    ref = connected(runtime, expires=False)

    assert (ref.kind, ref.expires_at, ref.data_access_expires_at, ref.subject_name) == ("system_user", None, None, "ELT")
    reached = {each.node_id for each in access.by_source_token(runtime.engine)[ref.id]}
    assert {ACCOUNT, PAGE} <= reached and "act_1000000001" not in reached and "3000000000002" not in reached
    assert [each.through_ref for each in access.readers(runtime.engine, ACCOUNT)] == [ref.id, person.id]
    assert [each.through_ref for each in access.readers(runtime.engine, "act_1000000001")] == [person.id]
    links = {link.id: link for link in list_links(runtime.engine)}
    assert links[ACCOUNT].token_ref == ref.id and links["act_1000000001"].token_ref == person.id


def test_a_token_of_sixty_days_is_renewed_in_time_and_the_old_one_works_until_its_end(runtime: FrozenRuntime) -> None:
    ref = connected(runtime, expires=True)
    old = runtime.vault.reveal(ref.id, flow="test").value
    assert ref.expires_at == runtime.clock.now() + dt.timedelta(days=60)
    runtime.clock.at = ref.expires_at - dt.timedelta(days=10)
    assert tokens.check_tokens(graph=runtime.client, tokens=runtime.vault, now=runtime.clock.now()) == []

    renewed = runtime.vault.ref(ref.id)
    assert renewed.expires_at == runtime.clock.now() + dt.timedelta(days=60)
    assert runtime.vault.reveal(ref.id, flow="test").value != old
    identity, new = runtime.graph.identity, runtime.vault.reveal(ref.id, flow="test").value
    identity.check_valid(identity.tokens[old], ref.expires_at - dt.timedelta(seconds=1))
    with pytest.raises(GraphApiError, match="expired"):
        identity.check_valid(identity.tokens[old], ref.expires_at)
    assert identity.invalid_subcode(identity.tokens[new], ref.expires_at) is None
    # Both are in the vault; reads use the new one, and the old one only where the new one was refused.
    (replaced,) = [each for each in runtime.vault.refs(replaced=True) if each.replaced_by == ref.id]
    assert (replaced.kind, replaced.subject_name, replaced.expires_at) == ("system_user", "ELT", ref.expires_at)
    assert runtime.vault.reveal_for(ACCOUNT, flow="test").value == new
    assert runtime.vault.reveal_for(ACCOUNT, flow="test", without={ref.id}).value == old
    assert runtime.vault.ref(ref.id) in runtime.vault.refs() and replaced not in runtime.vault.refs()

    listed = {(row["owner"], row["kind"], row["state"], row["expires"]) for row in listed_tokens(runtime)}
    assert listed >= {("ELT", "system_user", "replaced", ref.expires_at), ("Northwind", "page", "good", "never")}
    assert [state for owner, _, state, expires in listed if (owner, expires) == ("ELT", renewed.expires_at)] in (["good"], ["trouble"])

    calls = len(runtime.events)
    assert tokens.check_tokens(graph=runtime.client, tokens=runtime.vault, now=runtime.clock.now()) == []
    assert not any(event.path.endswith("oauth/access_token") for event in runtime.events[calls:]), "neither is exchanged again"
    runtime.clock.at = ref.expires_at - dt.timedelta(seconds=1)
    tokens.check_tokens(graph=runtime.client, tokens=runtime.vault, now=runtime.clock.now())
    assert runtime.vault.reveal_for(ACCOUNT, flow="test", without={ref.id}).value == old
    runtime.clock.at = ref.expires_at
    tokens.check_tokens(graph=runtime.client, tokens=runtime.vault, now=runtime.clock.now())
    assert runtime.vault.ref(replaced.id).retired_because == "190/463"
    assert runtime.vault.reveal_for(ACCOUNT, flow="test").value == new


def test_a_new_token_that_meta_refuses_leaves_the_old_one_in_use_until_it_is_renewed(runtime: FrozenRuntime) -> None:
    ref = connected(runtime, expires=True)
    old = runtime.vault.reveal(ref.id, flow="test").value
    assert ref.expires_at is not None
    runtime.clock.at = ref.expires_at - dt.timedelta(days=10)
    check = functools.partial(tokens.check_tokens, graph=runtime.client, tokens=runtime.vault)
    check(now=runtime.clock.now())
    runtime.graph.identity.tokens[runtime.vault.reveal(ref.id, flow="test").value].invalid_subcode = 460
    with pytest.raises(TokenError) as refused:
        token = runtime.vault.reveal_for(ACCOUNT, flow="test")
        runtime.client.get("me", {"fields": ["id"]}, token=token, kind=CallKind.IDENTITY)
    assert tokens.retire_if_invalid(token, refused.value, graph=runtime.client, tokens=runtime.vault, now=runtime.clock.now())

    assert runtime.vault.reveal_for(ACCOUNT, flow="test").value == old
    check(now=runtime.clock.now())  # the old one is exchanged again, since the one that replaced it is retired
    renewed = runtime.vault.ref(ref.id)
    assert renewed.retired_at is None and renewed.expires_at == runtime.clock.now() + dt.timedelta(days=60)
    assert runtime.vault.reveal_for(ACCOUNT, flow="test").value not in (old, token.value)
    assert runtime.vault.reveal_for(ACCOUNT, flow="test", without={ref.id}).value == old


def test_both_tokens_of_a_system_user_are_revoked_together(runtime: FrozenRuntime) -> None:
    ref = connected(runtime, expires=True)
    assert ref.expires_at is not None
    runtime.clock.at = ref.expires_at - dt.timedelta(days=10)
    tokens.check_tokens(graph=runtime.client, tokens=runtime.vault, now=runtime.clock.now())
    values = [runtime.vault.reveal(each.id, flow="test").value for each in runtime.vault.refs(replaced=True) if each.kind == "system_user"]
    tokens.disconnect(ref.id, graph=runtime.client, tokens=runtime.vault)

    assert len(values) == 2 and {runtime.graph.identity.tokens[value].invalid_subcode for value in values} == {458}
    assert [each for each in runtime.vault.refs(replaced=True) if each.kind == "system_user"] == []


def test_a_token_of_a_system_user_is_revoked_alone(runtime: FrozenRuntime) -> None:
    ref = connected(runtime, expires=False)
    value = runtime.vault.reveal(ref.id, flow="test").value

    assert tokens.disconnect(ref.id, graph=runtime.client, tokens=runtime.vault).outcome == "revoked"
    assert runtime.graph.identity.tokens[value].invalid_subcode == 458
    assert [each.kind for each in runtime.vault.refs() if each.parent_ref is None] == ["user"]


def test_a_business_whose_tokens_must_expire_is_reported(runtime: FrozenRuntime) -> None:
    runtime.graph.system_users.must_expire = True
    with pytest.raises(StepError, match=r"set_token_expires_in_60_days.*Generate token"):
        connected(runtime, expires=False)

    assert connected(runtime, expires=True).expires_at is not None


@pytest.mark.parametrize(("step", "clicks"), [
    ("create", "System users → Add"), ("assign", "Assign assets"), ("install", "Connect an app"),
    ("mint", "Generate token"),
])
def test_a_step_that_meta_refuses_is_explained_by_its_clicks(runtime: FrozenRuntime, step: str, clicks: str) -> None:
    runtime.graph.faults.plan([{"fault": "200_missing", "path": "POST .*", "times": 9}])
    business = admin(runtime)
    steps: dict[str, Callable[[], object]] = {
        "create": lambda: business.create("ELT", role="EMPLOYEE"), "assign": lambda: business.assign("1", ACCOUNT),
        "install": lambda: business.install("1"), "mint": lambda: business.mint("1", scopes=SCOPES, expires=True),
    }
    with pytest.raises(StepError) as caught:
        steps[step]()

    assert clicks in str(caught.value) and "full control" in str(caught.value)


def test_more_system_users_than_the_tier_allows_are_refused(runtime: FrozenRuntime) -> None:
    runtime.graph.system_users.most = 1
    admin(runtime).create("ELT", role="EMPLOYEE")
    with pytest.raises(StepError, match="limit of system users"):
        admin(runtime).create("ELT 2", role="EMPLOYEE")


def test_the_business_must_be_one_that_a_token_administers(runtime: FrozenRuntime) -> None:
    assert admin(runtime, NORTHWIND).business_id == NORTHWIND
    with pytest.raises(ConfigError, match="no token of a member of the business"):
        admin(runtime, AROHA)
    for strange in ("me/accounts", "../1", "act_", "1?x=y", ""):
        with pytest.raises(ConfigError, match="is not an id"):
            admin(runtime, strange)
        with pytest.raises(ConfigError, match="is not an id"):
            admin(runtime).assign("1", strange)


def test_without_a_business_there_is_nothing_to_administer(tmp_path: Path) -> None:
    runtime = FrozenRuntime(tmp_path)
    runtime.onboard(runtime.mint(days=60, scopes=("ads_read",)))
    with pytest.raises(ConfigError, match="name the business with --business: our tokens see none"):
        admin(runtime)
