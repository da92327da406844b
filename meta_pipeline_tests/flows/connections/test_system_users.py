"""System users: created, given nodes, given tokens that are preferred, renewed in time and explained when refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.flows.connections import system_users, tokens
from meta_pipeline.flows.connections.system_users import Admin, StepError, SystemUser
from meta_pipeline.records import ConfigError, TokenRef
from meta_pipeline.sandbox.protocol.errors import GraphApiError
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
    identity = runtime.graph.identity
    identity.check_valid(identity.tokens[old], ref.expires_at - dt.timedelta(seconds=1))
    with pytest.raises(GraphApiError, match="expired"):
        identity.check_valid(identity.tokens[old], ref.expires_at)
    assert identity.invalid_subcode(identity.tokens[runtime.vault.reveal(ref.id, flow="test").value], ref.expires_at) is None


def test_a_token_of_a_system_user_is_revoked_alone(runtime: FrozenRuntime) -> None:
    ref = connected(runtime, expires=False)
    value = runtime.vault.reveal(ref.id, flow="test").value

    assert tokens.disconnect(ref.id, graph=runtime.client, tokens=runtime.vault).outcome == "revoked"
    assert runtime.graph.identity.tokens[value].invalid_subcode == 458
    assert [each.kind for each in runtime.vault.refs() if each.parent_ref is None] == ["user"]


def test_a_business_that_wants_tokens_to_expire_says_so(runtime: FrozenRuntime) -> None:
    runtime.graph.system_users.must_expire = True
    with pytest.raises(StepError, match=r"set_token_expires_in_60_days.*Generate token"):
        connected(runtime, expires=False)

    assert connected(runtime, expires=True).expires_at is not None


@pytest.mark.parametrize(("step", "clicks"), [
    ("create", "System users → Add"), ("assign", "Assign assets"), ("install", "Connect an app"),
    ("mint", "Generate token"),
])
def test_what_meta_refuses_is_explained_by_its_clicks(runtime: FrozenRuntime, step: str, clicks: str) -> None:
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
    with pytest.raises(ConfigError, match="no token of somebody in the business"):
        admin(runtime, AROHA)
    for strange in ("me/accounts", "../1", "act_", "1?x=y", ""):
        with pytest.raises(ConfigError, match="is no id"):
            admin(runtime, strange)
        with pytest.raises(ConfigError, match="is no id"):
            admin(runtime).assign("1", strange)


def test_without_a_business_there_is_nothing_to_administer(tmp_path: Path) -> None:
    runtime = FrozenRuntime(tmp_path)
    runtime.onboard(runtime.mint(days=60, scopes=("ads_read",)))
    with pytest.raises(ConfigError, match="name the business with --business: our tokens see none"):
        admin(runtime)
