"""Erasing on the status page of an invitation: the question before it, the erased nodes, and a killed erasure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.sandbox import Sandbox
from harness.web.connections_page import Web
from harness.web.invited_customer import Clock, consent, form_token, invite, make_inviting_web, state_of, status_link
from meta_pipeline.flows.connections import consents, relinking
from meta_pipeline.flows.connections.system_users import admin_of
from meta_pipeline.flows.leaving.erasing import run_erasures
from meta_pipeline.flows.leaving.places import places_of
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.leaving import erasures
from meta_pipeline.store.people import invitations
from meta_pipeline.web.erasing import ErasureThread

OTHER_NODE = "act_1000000002"
SCOPES = ("ads_read", "business_management")


@pytest.fixture
def web(tmp_path: Path, sandbox: Sandbox) -> Web:
    return make_inviting_web(tmp_path, sandbox, Clock(), features="business_writes")


def answered(web: Web) -> tuple[invitations.Invitation, str]:
    """Return an invitation that was answered, and the path of its status page."""
    invitation, path = invite(web)
    consent(web, path, web.browser)
    stored = invitations.find(web.runtime.engine, invitation.id)
    assert stored is not None and stored.token_ref is not None
    return stored, status_link(web, stored)


def grant_to_a_system_user(web: Web, *node_ids: str) -> None:
    """Give a system user access to these nodes."""
    runtime = web.runtime
    business = admin_of(None, graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine)
    user_id = business.create("ELT", role="EMPLOYEE")
    for node_id in node_ids:
        business.assign(user_id, node_id)
    business.install(user_id)
    token = business.mint(user_id, scopes=SCOPES, expires=False)
    runtime.onboard(consents.accept_token(
        token, phase=0, through="a test", holder=None, tokens=runtime.vault, engine=runtime.engine, now=web.app_now()))


def nodes(web: Web) -> set[str]:
    return {link.id for link in list_links(web.runtime.engine)}


def test_erasing_asks_first_ends_the_access_at_once_and_links_to_the_progress(web: Web, sandbox: Sandbox) -> None:
    invitation, path = answered(web)
    anybody = web.another_browser()
    assert f'href="{path}/erase"' in anybody.get(path).body
    page = anybody.get(f"{path}/erase")
    assert page.status == 200 and "Erase what Northwind shares with Example Agency?" in page.body
    assert "Northwind US" in page.body and "Aroha" not in page.body  # nodes not requested are counted, not named
    assert "are erased as well" in page.body and erasures.find_all(web.runtime.engine) == []

    page = anybody.post(f"{path}/erase", {"form_token": form_token(page.body)})
    (link,) = re.findall(r'href="(/deletions/[0-9a-f]+)"', page.body)
    assert page.status == 200 and "The data is being erased" in page.body and link.rpartition("/")[2] in page.body
    assert web.runtime.vault.refs() == [] and sandbox.control("calls").get("DELETE /me/permissions", 0) == 1
    assert "Pending" in anybody.get(link).body
    assert anybody.get(path).status == 410 and state_of(web, invitation) == "revoked"

    run_erasures(places_of(web.runtime))
    assert "Done" in anybody.get(link).body and nodes(web) == set()
    assert web.runtime.vault.refs(retired=True) == [] and anybody.get(path).status == 404
    stored = (web.runtime.settings.root / "control.sqlite").read_bytes()
    assert b"Northwind US" not in stored and b"Sam Operator" not in stored


def test_a_node_that_somebody_else_grants_stays_and_the_page_says_so_before(web: Web) -> None:
    _, path = answered(web)
    grant_to_a_system_user(web, "act_1000000001", OTHER_NODE)
    page = web.browser.get(f"{path}/erase").body
    stays = page.partition("This stays")[2]
    assert "Northwind US" in stays and "Northwind US" not in page.partition("This stays")[0]

    web.browser.post(f"{path}/erase", {"form_token": form_token(page)})
    run_erasures(places_of(web.runtime))
    assert {"act_1000000001", OTHER_NODE} <= nodes(web) and "3000000000001" not in nodes(web)
    assert [ref.kind for ref in web.runtime.vault.refs(retired=True)] == ["system_user"]


def test_a_share_as_partner_is_erased_and_does_not_come_back_with_our_token(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    text = INTAKE_OF_AROHA
    web = make_inviting_web(tmp_path, sandbox, Clock(), text)
    _connect(web)
    invitation, path = invite(web, "ad_account")
    guest = web.another_browser()
    guest.post(f"{path}/shared", {"form_token": form_token(guest.get(path).body)})
    assert state_of(web, invitation) == "verified"
    stored = invitations.find(web.runtime.engine, invitation.id)
    assert stored is not None and stored.token_ref is None
    path = status_link(web, stored)
    page = guest.get(f"{path}/erase").body
    assert "Aroha Outdoor NZ" in page and "Your name" not in page and "/disconnect" not in guest.get(path).body

    guest.post(f"{path}/erase", {"form_token": form_token(page)})
    run_erasures(places_of(web.runtime))
    runtime = web.runtime
    relinking.relink_all(graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine, now=web.app_now())
    assert "act_1000000005" not in nodes(web) and "act_1000000001" in nodes(web) and runtime.vault.refs()


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory, shared_web_sandbox: Sandbox) -> tuple[Web, dict[str, str]]:
    """Return an app and its links by their state; none of them erases anything in these tests."""
    web = make_inviting_web(tmp_path_factory.mktemp("links"), shared_web_sandbox, Clock())
    paths = {"nothing": "/invitations/nothing", "unanswered": invite(web)[1]}
    revoked, path = invite(web)
    consent(web, path, web.browser)
    paths["revoked"] = status_link(web, revoked)
    web.browser.post(f"{paths['revoked']}/disconnect", {"form_token": form_token(web.browser.get(paths["revoked"]).body)})
    for name in ("first", "replaced"):
        invitation, paths[name] = invite(web)
        consent(web, paths[name], web.browser)
    paths["status"] = status_link(web, invitation)
    return web, paths


@pytest.mark.parametrize(
    ("target", "method", "browser", "status"),
    [
        ("status", "POST", None, 403), ("status", "POST", "another", 403),
        ("first", "GET", None, 404), ("first", "POST", "this", 404),
        ("replaced", "GET", None, 410), ("replaced", "POST", "this", 410),
        ("nothing", "GET", None, 404), ("nothing", "POST", "this", 404),
        ("unanswered", "GET", None, 404), ("unanswered", "POST", "this", 404),
        ("revoked", "GET", None, 410), ("revoked", "POST", "this", 410),
    ],
)
def test_any_other_link_or_form_erases_nothing(
    links: tuple[Web, dict[str, str]], target: str, method: str, browser: str | None, status: int
) -> None:
    web, paths = links
    path = f"{paths[target]}/erase"
    sender = web.another_browser() if browser == "another" else web.browser
    token = "" if browser is None else form_token(sender.get(paths["unanswered"]).body)
    before = web.rows()
    answer = web.browser.get(path) if method == "GET" else web.browser.post(path, {"form_token": token})

    assert answer.status == status and web.rows() == before and "Traceback" not in answer.body
    assert erasures.find_all(web.runtime.engine) == []


def test_an_erasure_whose_request_was_killed_is_carried_out_by_the_next_process(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, path = answered(web)
    form = {"form_token": form_token(web.browser.get(f"{path}/erase").body)}
    with monkeypatch.context() as killed:
        killed.setattr("meta_pipeline.flows.leaving.customers.disconnect", _killed)
        with pytest.raises(SystemExit):
            web.browser.post(f"{path}/erase", form)
    assert web.runtime.vault.refs() != []
    thread = ErasureThread(web.runtime)

    thread.start()  # as after a restart
    thread.stop()

    assert [each.status for each in erasures.find_all(web.runtime.engine)] == ["done"]
    assert nodes(web) == set() and web.runtime.vault.refs(retired=True) == []


def test_pressing_the_button_twice_starts_one_erasure(web: Web) -> None:
    _, path = answered(web)
    form = {"form_token": form_token(web.browser.get(f"{path}/erase").body)}
    statuses = [web.browser.post(f"{path}/erase", form).status for _ in range(2)]

    assert statuses == [200, 410] and len(erasures.find_all(web.runtime.engine)) == 1


INTAKE_OF_AROHA = """
business = "2000000000001"
name = "Example Agency"

[tenants.north]
name = "Aroha"
ad_accounts = ["act_1000000005"]
"""


def _connect(web: Web) -> None:
    web.runtime.onboard(web.connect().header("location").rpartition("/")[2])


def _killed(*_: object, **__: object) -> None:
    raise SystemExit(1)
