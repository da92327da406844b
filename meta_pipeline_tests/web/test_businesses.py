"""The pages of partners and system users: the steps of the command line as forms, and the texts of refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.sandbox import Sandbox
from harness.web.browser import Answer
from harness.web.connections_page import Web, make_web
from meta_pipeline.store.nodes import share_requests

PENDING, OWN_ACCOUNT, OWN_PAGE, AROHA = "act_1000000801", "act_1000000001", "3000000000001", "2000000000002"
ANALYZE = {"task-ANALYZE": "1"}


@pytest.fixture
def connected(tmp_path: Path, sandbox: Sandbox) -> Web:
    web = make_web(tmp_path, sandbox, features="business_writes")
    web.connect()
    return web


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory, shared_web_sandbox: Sandbox) -> Web:
    """Return an app for forms that change nothing."""
    web = make_web(tmp_path_factory.mktemp("businesses"), shared_web_sandbox, features="business_writes")
    web.connect()
    return web


def post(web: Web, path: str, **form: str) -> Answer:
    return web.browser.post(path, {"form_token": web.form_token(), **form})


def states(web: Web) -> dict[str, str]:
    return {each.node_id: each.state for each in share_requests.find_all(web.runtime.engine)}


@pytest.mark.parametrize("is_allow_listed", [True, False])
def test_a_partners_account_is_requested_and_confirmed_on_the_page(
    connected: Web, sandbox: Sandbox, is_allow_listed: bool
) -> None:
    sandbox.control("shares", {"allow_listed": is_allow_listed})
    assert "Nothing has been requested" in connected.browser.get("/partners").body
    assert post(connected, "/partners/request", node=PENDING, **ANALYZE).status == 303
    page = connected.browser.get("/partners").body
    assert "Waiting" in page and ("are notified by Meta" in page) is is_allow_listed
    assert ("The owner opens Business settings → Accounts → Ad accounts" in page) is not is_allow_listed

    sandbox.control("shares", {"node": PENDING, "answer": "accept"})
    assert post(connected, "/partners/check").status == 303
    page = connected.browser.get("/partners").body
    assert states(connected) == {PENDING: "confirmed"} and "shared with what is needed" in page and "Ask Meta now" not in page


def test_a_refused_request_is_made_again_by_a_button(connected: Web, sandbox: Sandbox) -> None:
    sandbox.control("shares", {"allow_listed": True})
    post(connected, "/partners/request", node=PENDING, **ANALYZE)
    sandbox.control("shares", {"node": PENDING, "answer": "refuse"})
    post(connected, "/partners/check")
    assert states(connected) == {PENDING: "refused"} and "Request again" in connected.browser.get("/partners").body

    post(connected, "/partners/request", node=PENDING, **ANALYZE)
    assert states(connected) == {PENDING: "waiting"}


@pytest.mark.parametrize("node_id", [OWN_ACCOUNT, OWN_PAGE])
def test_our_node_is_shared_and_taken_back_on_the_page(connected: Web, sandbox: Sandbox, node_id: str) -> None:
    sandbox.control("shares", {"allow_listed": True})
    assert f'value="{node_id}"' in connected.browser.get("/partners").body
    assert post(connected, "/partners/give", node=node_id, partner=AROHA, **ANALYZE).status == 303
    assert states(connected) == {node_id: "confirmed"} and "Take back" in connected.browser.get("/partners").body
    assert post(connected, "/partners/take-back", node=node_id, partner=AROHA).status == 303
    assert states(connected) == {node_id: "taken_back"} and "Take back<" not in connected.browser.get("/partners").body


def test_when_meta_refuses_the_page_names_the_clicks(connected: Web) -> None:
    post(connected, "/partners/give", node=OWN_ACCOUNT, partner=AROHA, **ANALYZE)
    assert f"Assign partner → {AROHA}" in connected.browser.get("/partners").body


def test_a_system_user_is_created_given_accounts_and_a_token_and_revoked_on_the_page(connected: Web, sandbox: Sandbox) -> None:
    assert post(connected, "/system-users/create", name="ELT", role="EMPLOYEE").status == 303
    page = connected.browser.get("/system-users").body
    user_id = page.split('id="u-')[-1].split('"')[0]
    assert ">ELT<" in page and "none yet: give the user accounts" in page and "Users → System users → Add" in page
    page = post(connected, "/system-users/assign", user=user_id, nodes=f"{OWN_ACCOUNT} act_1000000002", **ANALYZE).body
    assert "The system user has access" in page and f"on {OWN_ACCOUNT}, act_1000000002" in page
    answer = post(connected, "/system-users/mint", user=user_id, phase="2", life="60 days")
    assert answer.status == 303 and "ELT is connected" in connected.browser.get(answer.header("location")).body
    (ref,) = [ref for ref in connected.runtime.vault.refs() if ref.kind == "system_user"]
    page = connected.browser.get("/system-users").body
    assert ref.expires_at is not None and "in use, ends" in page and f"/connections/{ref.id}/disconnect" in page
    assert all(secret not in page for secret in sandbox.control("secrets"))

    post(connected, f"/connections/{ref.id}/disconnect")
    assert "ended just now" in connected.browser.get("/system-users").body


def test_without_a_token_that_administers_a_business_the_page_says_what_is_missing(web: Web) -> None:
    page = web.browser.get("/system-users").body
    assert "name the business" in page and "Create a system user" not in page


ROUTES = ["/partners/request", "/partners/check", "/partners/give", "/partners/take-back", "/system-users/create",
          "/system-users/assign", "/system-users/mint"]
VALID = {"node": OWN_ACCOUNT, "partner": AROHA, "name": "ELT", "role": "EMPLOYEE", "user": "1020000000000099",
         "nodes": OWN_ACCOUNT, "phase": "2", "life": "never", **ANALYZE}


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("form_token", ["", "another's"])
def test_a_forged_form_makes_no_call(unchanged: Web, path: str, form_token: str) -> None:
    calls, rows = unchanged.sandbox.control("calls"), unchanged.rows()
    assert unchanged.browser.post(path, {**VALID, "form_token": form_token}).status == 403
    assert unchanged.sandbox.control("calls") == calls and unchanged.rows() == rows


@pytest.mark.parametrize(
    ("path", "wrong", "status"),
    [
        ("/partners/request", {"node": "../me"}, 400), ("/partners/request", {"node": ""}, 400),
        ("/partners/request", {"task-ANALYZE": ""}, 400), ("/partners/request", {"business": "404"}, 400),
        ("/partners/give", {"node": "act_x"}, 400), ("/partners/give", {"partner": "x" * 3000}, 400),
        ("/partners/give", {"task-ANALYZE": ""}, 400), ("/partners/give", {"node": "3000000000404"}, 502),
        ("/partners/take-back", {"partner": "<b>"}, 400), ("/partners/take-back", {"node": "\x00"}, 400),
        ("/system-users/create", {"name": ""}, 400), ("/system-users/create", {"name": "x" * 101}, 400),
        ("/system-users/create", {"role": "OWNER"}, 400), ("/system-users/create", {"business": AROHA}, 400),
        ("/system-users/assign", {"nodes": ""}, 400), ("/system-users/assign", {"nodes": "1 " * 9 + "act_<b>"}, 400),
        ("/system-users/assign", {"nodes": " ".join(map(str, range(51)))}, 400),
        ("/system-users/assign", {"user": "404"}, 400), ("/system-users/assign", {"user": "../1"}, 400),
        ("/system-users/mint", {"user": "x"}, 400), ("/system-users/mint", {"phase": "3"}, 400),
        ("/system-users/mint", {"phase": ""}, 400),
    ],
)
def test_an_invalid_form_stores_nothing_and_names_the_reason(
    unchanged: Web, path: str, wrong: dict[str, str], status: int
) -> None:
    rows = unchanged.rows()
    answer = post(unchanged, path, **{**VALID, **wrong})

    assert answer.status == status and "Traceback" not in answer.body and "<b>" not in answer.body
    changed = {table for table, count in unchanged.rows().items() if count != rows[table]}
    assert changed <= {"token_reveals"}  # a token that was used is recorded whatever Meta answered


def test_a_feature_that_is_off_makes_no_call_and_is_named(web: Web, sandbox: Sandbox) -> None:
    web.connect()
    calls = sandbox.control("calls")
    answers = {path: post(web, path, **VALID) for path in ROUTES if path != "/partners/check"}

    assert {path for path, answer in answers.items() if answer.status != 400 or "business_writes" not in answer.body} == set()
    assert sandbox.control("calls") == calls


def test_only_operators_see_and_use_these_pages(tmp_path: Path, sandbox: Sandbox) -> None:
    web = make_web(tmp_path, sandbox, operator_password="correct horse battery")
    for path in ("/partners", "/system-users"):
        assert web.browser.get(path).header("location") == "/sign-in"
    for path in ROUTES:
        assert web.browser.post(path, VALID).status == 403
