"""Nothing is written by accident: every call passes the gate, and no code can send a call without it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.flows.connections import given_shares, partner_shares, system_users, tokens
from meta_pipeline.graph import writes
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import ScopeError
from meta_pipeline.graph.features import FEATURES
from meta_pipeline.graph.gate import Gate
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.records import AccessToken, ConfigError

PACKAGE = Path(__file__).parents[2] / "meta_pipeline"
TOKEN = AccessToken(kind="user", value="EAABx")
ACCOUNT, PAGE = "act_1000000002", "3000000000001"
# One path for each kind of change.
PATHS = {
    WriteKind.CONSENT_REVOCATION: "me/permissions", WriteKind.SYSTEM_USER_CREATION: "1/system_users",
    WriteKind.SYSTEM_USER_ASSIGNMENT: "act_1/assigned_users", WriteKind.APP_INSTALLATION: "1/applications",
    WriteKind.SYSTEM_USER_TOKEN: "1/access_tokens", WriteKind.PARTNER_REQUEST: "1/client_pages",
    WriteKind.PARTNER_ACCESS: "act_1/agencies", WriteKind.PARTNER_REMOVAL: "act_1/agencies",
    WriteKind.APP_SUBSCRIPTION: "1/subscriptions", WriteKind.APP_UNSUBSCRIPTION: "1/subscriptions",
    WriteKind.PAGE_SUBSCRIPTION: "1/subscribed_apps", WriteKind.PAGE_UNSUBSCRIPTION: "1/subscribed_apps",
    WriteKind.ACCOUNT_SUBSCRIPTION: "act_1/subscribed_apps", WriteKind.ACCOUNT_UNSUBSCRIPTION: "act_1/subscribed_apps",
    WriteKind.AD_CREATION: "act_1/adsets", WriteKind.AD_CHANGE: "1", WriteKind.AD_REMOVAL: "1",
    WriteKind.PAGE_PUBLISHING: "1/feed", WriteKind.PAGE_UPLOAD: "video-upload/v24.0/1", WriteKind.POST_CHANGE: "1_2",
    WriteKind.POST_REMOVAL: "1_2", WriteKind.INSTAGRAM_UPLOAD: "ig-api-upload/v24.0/1", WriteKind.MEDIA_REMOVAL: "1",
    WriteKind.INSTAGRAM_PUBLISHING: "1/media_publish",
}
WITHOUT_FEATURE = {WriteKind.CONSENT_REVOCATION}


def write(gate: Gate, kind: WriteKind, *, token: AccessToken | None = TOKEN, path: str | None = None) -> object:
    return gate.write(
        kind, path or PATHS[kind], token=token, plan_id="plan" if kind.value.needs_plan else None
    )


@pytest.mark.parametrize("kind", WriteKind)
def test_a_change_passes_only_with_its_flag_its_scopes_and_its_plan(kind: WriteKind) -> None:
    need = kind.value
    assert write(Gate(FEATURES), kind)
    if kind not in WITHOUT_FEATURE:
        assert need.feature in FEATURES and "task" in need.needs
        for features in ((), set(FEATURES) - {need.feature}):
            with pytest.raises(ConfigError, match="nothing was sent") as refused:
                write(Gate(features), kind)
            for part in (need.feature, *need.scopes, need.task):
                assert str(part) in str(refused.value)
    for missing in need.scopes:
        token = AccessToken(kind="user", value="x", scopes=frozenset(need.scopes) - {missing})
        with pytest.raises(ScopeError, match=missing) as lacking:
            write(Gate(FEATURES), kind, token=token)
        assert str(need.feature) in str(lacking.value) and need.task in str(lacking.value)
    with pytest.raises(ConfigError, match="plan: nothing was sent"):
        Gate(FEATURES).write(kind, PATHS[kind], token=TOKEN, plan_id=None if need.needs_plan else "plan")


@pytest.mark.parametrize("kind", WriteKind)
def test_a_change_is_refused_on_any_other_path(kind: WriteKind) -> None:
    for path in ("me", f"{PATHS[kind]}/x", f"x/{PATHS[kind]}", "../1/feed", "1/feed?x=y", "", "act_1/insights", "me/feed"):
        with pytest.raises(ConfigError, match="has no path"):
            Gate(FEATURES).write(kind, path, token=TOKEN, plan_id="plan" if kind.value.needs_plan else None)


@pytest.mark.parametrize("kind", CallKind)
def test_a_kind_that_reads_is_not_posted_to_a_path_that_writes(kind: CallKind) -> None:
    gate, token = Gate(FEATURES), AccessToken(kind="page", value="x")

    assert gate.read("1/edge", kind, token).method == "GET"
    assert gate.batch([Operation("1", {}, kind)], token).path == writes.BATCH_PATH
    for path in ("act_1/ads", "1/feed", "act_1/insights/x", *([] if kind in writes.READING_POSTS else ["act_1/insights"])):
        with pytest.raises(ConfigError, match="never sent with POST"):
            gate.reading_post(path, kind, token)


@pytest.mark.parametrize("path", ["me/permissions", "oauth/x", "1/feed", "debug_token/../1", ""])
def test_an_oauth_call_is_refused_on_a_path_that_is_not_listed(path: str) -> None:
    with pytest.raises(ConfigError, match="nothing was sent"):
        Gate(FEATURES).oauth(path)


def test_every_audited_call_is_of_a_listed_kind(tmp_path: Path) -> None:
    runtime = FrozenRuntime(tmp_path)
    runtime.graph.shares.is_allow_listed = True
    ref = runtime.onboard(runtime.mint(days=60))
    admin = system_users.admin_of(None, graph=runtime.client, tokens=runtime.vault, engine=runtime.engine)
    user_id = admin.create("ELT", role="EMPLOYEE")
    admin.assign(user_id, ACCOUNT)
    admin.install(user_id)
    admin.mint(user_id, scopes=("ads_read",), expires=True)
    shared = {"admin": admin, "engine": runtime.engine, "now": runtime.clock.now()}
    partner_shares.request("act_1000000801", tasks=("ANALYZE",), **shared)  # type: ignore[arg-type]
    given_shares.give("act_1000000001", "2000000000002", tasks=("ANALYZE",), **shared)  # type: ignore[arg-type]
    given_shares.take_back("act_1000000001", "2000000000002", **shared)  # type: ignore[arg-type]
    secret = runtime.vault.reveal(ref.id, flow="test")
    runtime.client.submit(f"{ACCOUNT}/insights", {"level": "account"}, token=secret, kind=CallKind.INSIGHTS)
    runtime.client.batch([Operation(ACCOUNT, {"fields": "id"}, CallKind.AD_OBJECTS)], token=secret)
    tokens.disconnect(ref.id, graph=runtime.client, tokens=runtime.vault)
    sent = [
        writes.listed(event.method, event.path.strip("/").partition("/")[2]) for event in runtime.events
    ]

    assert None not in sent
    assert {kind for kind in sent if kind != "reads"} == {
        kind for kind in WriteKind if kind.value.feature in (None, "business_writes")
    }


def trees() -> Iterator[tuple[str, ast.AST]]:
    """Yield the modules of the package, except those of the sandbox, which plays Meta's side."""
    for file in sorted(PACKAGE.rglob("*.py")):
        name = file.relative_to(PACKAGE).as_posix()
        if not name.startswith("sandbox/"):
            yield name, ast.parse(file.read_text())


def calls_of(names: set[str]) -> set[tuple[str, str]]:
    """Return the modules that call a function or method with one of these names."""
    return {
        (module, name)
        for module, tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Call)
        if (name := getattr(node.func, "attr", getattr(node.func, "id", ""))) in names
    }


def test_only_the_gate_permits_and_only_the_client_sends() -> None:
    assert calls_of({"Permit"}) == {("graph/gate.py", "Permit")}
    assert calls_of({"exchange", "Wire"}) == {("graph/client.py", "exchange"), ("graph/client.py", "Wire")}
    assert calls_of({"Gate"}) == {("graph/client.py", "Gate")}
    # No other module uses the private parts of the client.
    reached = {
        module for module, tree in trees() for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("_gate", "_wire", "_exchange", "_send", "_session")
        and not (isinstance(node.value, ast.Name) and node.value.id == "self")
    }
    assert reached == set()


def test_the_client_has_no_bare_post_or_delete() -> None:
    public = {name for name in vars(GraphClient) if not name.startswith("_")}

    assert public == {
        "app", "batch", "batches", "get", "host", "oauth", "on", "pinned", "reading", "require", "submit", "version",
        "upload", "write",
    }


def test_no_other_code_sends_a_writing_http_method() -> None:
    sent = {
        (module, f"{node.func.value.id}.{node.func.attr}")
        for module, tree in trees() for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("requests", "httpx", "session")
        and node.func.attr in ("post", "put", "patch", "delete", "request")
    }

    # To the customer's own webhook; to our own sandbox.
    assert sent == {
        ("alerts/targets.py", "requests.post"), ("cli/demo/pulls.py", "requests.post"),
        ("cli/demo/run.py", "requests.post"),
    }
    # `store/people/sessions.py` has a record named `Session`.
    senders = {module for module, _ in calls_of({"Session", "urlopen", "HTTPConnection", "PoolManager"})}
    assert senders - {"store/people/sessions.py"} == {"graph/wire.py", "graph/http/download.py"}
