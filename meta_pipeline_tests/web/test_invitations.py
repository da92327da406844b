"""An invitation from the customer's side: from the link to verified assets, and every way in which it ends."""

from __future__ import annotations

import ast
import datetime as dt
import inspect
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from harness.sandbox import Sandbox
from harness.web.connections_page import Web, parameter
from harness.web.invited_customer import INTAKE, Clock, consent, form_token, invite, make_inviting_web, state_of
from meta_pipeline.consent.signing import digest_of, is_same
from meta_pipeline.flows.inviting import issuing
from meta_pipeline.invitations import links
from meta_pipeline.store.nodes import choices
from meta_pipeline.store.people import invitations
from meta_pipeline.store.schema.nodes import node_choices
from meta_pipeline.web.routes import invitation_links, invitation_status
from meta_pipeline.web.routes import invitations as web_invitations
from meta_pipeline_tests.web.test_people import signed_in


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def web(tmp_path: Path, sandbox: Sandbox, clock: Clock) -> Web:
    return make_inviting_web(tmp_path, sandbox, clock)


def test_the_page_says_who_requests_which_access_for_how_long_and_how_to_end_it(web: Web) -> None:
    invitation, path = invite(web)
    body = web.browser.get(path).body

    for text in (
        "Example Agency asks for access", "figures of Northwind", "Ad accounts: campaigns", "Create, change or delete ads",
        "kept for 400 days at most", "Business integrations", "Continue to Facebook", "2000000000009", "act_1000000001",
        "Give a partner access to your assets", "Send this to somebody who is", "No, thank you", "This link works once",
    ):
        assert text in body, text
    assert "Connections" not in body and "Sign out" not in body and 'href="/docs"' not in body
    assert state_of(web, invitation) == "opened"


def test_signing_in_leads_to_verified_assets_with_yesterdays_figures(web: Web) -> None:
    invitation, path = invite(web)
    guest = web.another_browser()
    guest.get(path)
    dialog = web.dialog(f"{path}/connect", guest)
    assert path.rpartition("/")[2] not in dialog and "ads_management" not in dialog
    answer = guest.get(web.consented(dialog))
    assert answer.status == 303 and answer.header("location") == path
    page = guest.get(path).body

    assert "Everything is shared" in page and "Northwind US" in page and "Impressions" in page and "Yesterday (" in page
    assert page.count(" checked") == 3  # nodes that were not requested are not ticked
    assert "Aroha Outdoor NZ" in page
    assert state_of(web, invitation) == "verified"
    states = [change.state for change in invitations.history(web.runtime.engine, invitation.id)]
    assert states == ["created", "opened", "signed_in", "waiting_for_meta", "verified"]


def test_an_invitation_requests_only_the_permissions_of_its_kinds(web: Web) -> None:
    invitation, path = invite(web, "ad_account")
    scopes = parameter(web.dialog(f"{path}/connect"), "scope").split(",")
    assert set(scopes) == {"ads_read", "business_management"}
    answer = consent(web, path, web.browser)
    assert "Everything is shared" in web.browser.get(answer.header("location")).body
    (connection,) = web.runtime.connections()

    assert connection.missing == () and connection.grant is not None
    assert set(connection.grant.requested) == set(scopes) and connection.grant.through == "an invitation"
    assert state_of(web, invitation) == "verified"


def test_unticked_nodes_are_recorded(web: Web) -> None:
    invitation, path = invite(web)
    consent(web, path, web.browser)
    page = web.browser.get(path).body
    form = {"form_token": form_token(page), "node-act_1000000001": "1", "node-nonsense": "1"}
    answer = web.browser.post(f"{path}/assets", form)

    assert answer.status == 303
    page = web.browser.get(answer.header("location")).body
    assert page.count(" checked") == 1 and "Your choice is saved" in page
    stored = invitations.find(web.runtime.engine, invitation.id)
    assert stored is not None and "3000000000001" in stored.assets["left_out"]
    assert "act_1000000001" not in stored.assets["left_out"]


OTHERS = '\n[tenants.south]\nad_accounts = ["act_1000000005"]\n'


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory, shared_web_sandbox: Sandbox) -> tuple[Web, str]:
    """Return an app with another customer, and the path of an invitation that was answered."""
    web = make_inviting_web(tmp_path_factory.mktemp("answered"), shared_web_sandbox, Clock(), INTAKE + OTHERS)
    _, path = invite(web)
    consent(web, path, web.browser)
    return web, path


@pytest.mark.parametrize(
    ("node_id", "before", "ticks", "choice"),
    [
        ("3000000000001", None, [False], "left_out"),
        ("3000000000001", None, [True], None),
        ("3000000000001", None, [False, True], "chosen"),
        ("3000000000001", "chosen", [False], "left_out"),
        ("3000000000001", "paused", [False], "paused"), ("3000000000001", "paused", [True], "paused"),
        ("3000000000001", "left_out", [True], "left_out"),  # an operator's choice, which a customer can't change
        ("act_1000000005", None, [False], None),  # another customer's
    ],
)
def test_unticked_nodes_are_not_read_every_day(
    answered: tuple[Web, str], node_id: str, before: Any, ticks: list[bool], choice: str | None
) -> None:
    web, path = answered
    engine = web.runtime.engine
    with engine.begin() as connection:
        connection.execute(node_choices.delete())
    if before is not None:
        choices.save(engine, [node_id], before, chosen_by="an operator", now=web.app_now())
    for is_ticked in ticks:
        form = {"form_token": form_token(web.browser.get(path).body), "node-act_1000000001": "1"}
        web.browser.post(f"{path}/assets", {**form, **({f"node-{node_id}": "1"} if is_ticked else {})})

    stored = choices.find(engine, node_id)
    assert (stored.choice if stored else None) == choice
    read = {link.id for link in web.runtime.links_to_read()}
    assert (node_id in read) is (choice in (None, "chosen")) and "act_1000000001" in read


def test_refusing_in_the_dialog_shows_one_page_and_can_be_undone(web: Web) -> None:
    invitation, path = invite(web)
    state = parameter(web.dialog(f"{path}/connect"), "state")
    page = web.browser.get(f"/oauth/callback?error=access_denied&state={quote(state)}")
    assert page.status == 403 and "You did not give consent" in page.body and f'href="{path}"' in page.body
    assert state_of(web, invitation) == "declined" and web.runtime.vault.refs() == []
    assert "You declined on" in web.browser.get(path).body
    consent(web, path, web.browser)
    assert state_of(web, invitation) == "verified"


def test_declining_on_our_page(web: Web) -> None:
    invitation, path = invite(web)
    token = form_token(web.browser.get(path).body)
    page = web.browser.post(f"{path}/decline", {"form_token": token})
    assert page.status == 200 and "You declined" in page.body and "Nothing is shared" in page.body
    assert state_of(web, invitation) == "declined"


def test_a_link_lapses(web: Web, clock: Clock) -> None:
    invitation, path = invite(web, days=7)
    clock.at += dt.timedelta(days=7, seconds=-1)
    assert web.browser.get(path).status == 200
    clock.at += dt.timedelta(seconds=1)
    for target in (path, f"{path}/connect"):
        page = web.browser.get(target)
        assert page.status == 410 and "This invitation has ended" in page.body
    assert state_of(web, invitation) == "lapsed"


def test_a_revoked_link_opens_nothing(web: Web) -> None:
    invitation, path = invite(web)
    state = parameter(web.dialog(f"{path}/connect"), "state")
    issuing.revoke(invitation.id, actor="a test", engine=web.runtime.engine, now=web.app_now())
    page = web.browser.get(path)
    assert page.status == 410 and "was taken back" in page.body
    exchanges = web.exchanges()
    assert web.browser.get(f"/oauth/callback?code=AQ1&state={quote(state)}").status == 409  # the dialog was open
    assert web.exchanges() == exchanges and web.runtime.vault.refs() == []


def test_the_second_use_and_a_foreign_browser_are_refused(web: Web) -> None:
    _, path = invite(web)
    first, second = web.another_browser(), web.another_browser()
    dialogs = [web.dialog(f"{path}/connect", browser) for browser in (first, second)]
    consented = [web.consented(dialog) for dialog in dialogs]
    foreign = second.get(consented[0])
    assert foreign.status == 403 and "Please start again in this browser" in foreign.body
    assert first.get(consented[0]).header("location") == path
    late = second.get(consented[1])
    assert late.status == 409 and "used before" in late.body
    page = second.get(path)
    assert page.status == 410 and "This link was used" in page.body and "Northwind US" not in page.body
    assert second.get(f"{path}/connect").status == 410
    assert first.get(path).status == 200
    assert len([ref for ref in web.runtime.vault.refs() if ref.kind == "user"]) == 1


def test_a_new_link_ends_the_earlier_one_and_shows_the_status(web: Web, sandbox: Sandbox) -> None:
    invitation, path = invite(web)
    consent(web, path, web.browser)
    issued = issuing.reissue(
        invitation.id, actor="a test", engine=web.runtime.engine, public_url="http://localhost:8600", now=web.app_now())
    status = issued.url.removeprefix("http://localhost:8600")
    assert "There is a newer link" in web.browser.get(path).body
    anybody = web.another_browser()
    page = anybody.get(status)
    assert page.status == 200 and "What Northwind shares with Example Agency" in page.body and "Northwind US" in page.body
    assert "Aroha" not in page.body and "checkbox" not in page.body
    assert anybody.get(f"{status}/connect").status == 404
    page = anybody.post(f"{status}/disconnect", {"form_token": form_token(page.body)})
    assert "The access is disconnected" in page.body and web.runtime.vault.refs() == []
    assert anybody.get(status).status == 410 and state_of(web, invitation) == "revoked"
    assert sandbox.control("calls").get("DELETE /me/permissions", 0) == 1


def test_a_consent_that_reads_nothing_leaves_the_invitation_open(web: Web) -> None:
    invitation, path = invite(web)
    answer = consent(web, path, web.browser, without=("ads_read", "pages_show_list"))
    page = web.browser.get(answer.header("location")).body
    assert "This did not work" in page and "Continue to Facebook" in page
    assert state_of(web, invitation) == "opened" and web.runtime.vault.refs() == []
    consent(web, path, web.browser)
    assert state_of(web, invitation) == "verified"


def test_the_page_is_in_the_language_of_the_invitation(web: Web) -> None:
    _, path = invite(web, language="de")
    body = web.browser.get(path).body
    assert '<html lang="de">' in body and "Example Agency bittet um Zugriff" in body and "asks for" not in body
    answer = consent(web, path, web.browser)
    assert "Alles ist freigegeben" in web.browser.get(answer.header("location")).body


def test_an_operator_of_a_tenant_invites_on_its_page(web: Web) -> None:
    operator = signed_in(web, "ann@agency.example")
    page = operator.get("/tenants/north").body
    form = {"form_token": form_token(page), "kind-ad_account": "1", "language": "de", "expires": "1d"}
    shown = operator.post("/tenants/north/invitations", form).body
    path = shown.split('<code id="url">')[1].split("</code>")[0].removeprefix("http://localhost:8600")
    assert "bittet um Zugriff" in web.another_browser().get(path).body
    (invitation,) = invitations.find_all(web.runtime.engine)
    assert invitation.kinds == ("ad_account",) and invitation.id in operator.get("/tenants/north").body
    token = form_token(operator.get("/tenants/north").body)
    assert operator.post(f"/tenants/north/invitations/{invitation.id}/reissue", {"form_token": token}).status == 200
    assert operator.post(f"/tenants/north/invitations/{invitation.id}/revoke", {"form_token": token}).status == 303
    assert state_of(web, invitation) == "revoked"
    assert operator.post("/tenants/north/invitations/x/revoke", {"form_token": token}).status == 404


def test_the_store_holds_no_link(web: Web, tmp_path: Path) -> None:
    _, path = invite(web)
    consent(web, path, web.browser)
    stored = b"".join(file.read_bytes() for file in (tmp_path / "home").rglob("*") if file.is_file())
    assert path.rpartition("/")[2].encode() not in stored


def test_a_link_is_looked_up_by_its_digest_and_compared_in_constant_time() -> None:
    tree = ast.parse(inspect.getsource(links))
    called = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert "find_by_digest(engine, digest_of(text))" in called and "is_same(link.digest, digest)" in called
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Compare) and "digest" in ast.unparse(node)]
    (returned,) = [node for node in ast.walk(ast.parse(inspect.getsource(is_same))) if isinstance(node, ast.Return)]
    assert ast.unparse(returned.value or returned) == "hmac.compare_digest(as_bytes(expected), as_bytes(received))"
    hashed = [ast.unparse(node) for node in ast.walk(ast.parse(inspect.getsource(digest_of))) if isinstance(node, ast.Call)]
    assert "hashlib.sha256(as_bytes(text))" in hashed


@pytest.mark.parametrize("module", [web_invitations, invitation_links, invitation_status], ids=lambda module: module.__name__)
def test_no_page_compares_a_link_or_looks_it_up_itself(module: Any) -> None:
    tree = ast.parse(inspect.getsource(module))
    compared = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Compare)]

    assert not [text for text in compared if re.search(r"path_params|digest|browser(?! is| or)", text)]
    assert "store.people.invitations import find_link" not in inspect.getsource(module)
