"""The results of an invitation: each fault with its sentence and click, shares as partner, and a killed check."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path

import pytest

from harness.sandbox import Sandbox
from harness.web.browser import Browser
from harness.web.connections_page import Web
from harness.web.invited_customer import INTAKE, Clock, consent, form_token, invite, make_inviting_web, state_of
from meta_pipeline.flows.inviting import issuing, shares
from meta_pipeline.store.people import invitations
from meta_pipeline_tests.web.test_people import signed_in


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def web(tmp_path: Path, sandbox: Sandbox, clock: Clock) -> Web:
    return make_inviting_web(tmp_path, sandbox, clock)


# By kind: the node, the node that decides its tasks and owner, its name, the page of its tasks, and a permission.
NODES = {
    "ad_account": ("act_1000000001", "act_1000000001", "Northwind US", "/settings/ad-accounts/1000000001", "ads_read"),
    "page": ("3000000000001", "3000000000001", "Northwind", "/settings/pages/3000000000001", "read_insights"),
    "instagram_account": (
        "17841400000000001", "3000000000001", "northwind", "/settings/instagram-account-v2s/17841400000000001",
        "instagram_manage_insights",
    ),
}
ALLOWS = {"ads_read": "read ads and their results", "read_insights": "read the insights of Pages", "instagram_manage_insights": "read the insights of Instagram accounts"}
FAULTS = ("missing_scope", "missing_task", "wrong_owner", "wrong_direction")


def sentences(kind: str) -> dict[str, tuple[str, str]]:
    """Return the sentence and the click of every fault of a node of this kind."""
    _, _, name, tasks_page, scope = NODES[kind]
    return {
        "missing_scope": (f"permission to {ALLOWS[scope]} was not given", "Sign in again, and leave the permission ticked"),
        "missing_task": (f"{name}: you may see it, but the task “View performance”", tasks_page),
        "wrong_owner": (f"{name} belongs to another business portfolio (Elsewhere)", "Forward the text below to an admin of that portfolio"),
        "wrong_direction": ("Example Agency shares with you, and you don&#39;t share", "choose Give a partner access to your assets"),
    }


def faulty_web(path: Path, sandbox: Sandbox, clock: Clock, faults: tuple[str, ...], kind: str) -> Web:
    """Return an app with faults in the sandbox. The customer is the sandbox's agency; we are a client of it, so that
    only it shares with us."""
    text = INTAKE.replace("[tenants.north]", '[tenants.north]\nbusinesses = ["2000000000001"]\nshares = "with_us"')
    if "wrong_direction" in faults:
        text = text.replace('business = "2000000000009"', 'business = "2000000000002"')
    node_id = NODES[kind][1]
    if "missing_task" in faults:
        sandbox.control("tasks", {"node": node_id, "tasks": ["ADVERTISE"]})
    if "wrong_owner" in faults:
        sandbox.control("owners", {"node": node_id, "business": {"id": "2000000000777", "name": "Elsewhere"}})
    return make_inviting_web(path, sandbox, clock, text)


def check_page(page: str, kind: str, faults: tuple[str, ...]) -> None:
    """Check that a page has the sentence and the click of these faults, and of no other."""
    for name, (sentence, click) in sentences(kind).items():
        assert (sentence in page) == (name in faults), (name, page)
        assert (click in page) == (name in faults), (name, page)


@pytest.mark.parametrize("kind", NODES)
@pytest.mark.parametrize("faults", [
    *[(name,) for name in FAULTS], *itertools.combinations(FAULTS, 2),
], ids="+".join)
def test_each_pair_of_faults_leads_to_its_sentences_and_clicks(
    tmp_path: Path, sandbox: Sandbox, clock: Clock, faults: tuple[str, ...], kind: str
) -> None:
    web = faulty_web(tmp_path, sandbox, clock, faults, kind)
    # A consent to ad accounts alone fails without ads_read, so that a Page is requested as well.
    invitation, path = invite(web, kind, *(["page"] if kind == "ad_account" else []))
    consent(web, path, web.browser, without=(NODES[kind][4],) if "missing_scope" in faults else ())

    shown = faults
    if kind == "ad_account" and "missing_scope" in faults:  # Meta then lists no ad account, and its other faults are unknown
        shown = tuple(name for name in faults if name in ("missing_scope", "wrong_direction"))
    check_page(web.browser.get(path).body, kind, shown)
    assert state_of(web, invitation) == "partly_granted"


@pytest.mark.parametrize("kind", NODES)
@pytest.mark.parametrize("faults", [
    *[(name,) for name in FAULTS[1:]], *itertools.combinations(FAULTS[1:], 2),
], ids="+".join)
def test_each_pair_of_faults_of_a_partner_share_leads_to_its_sentences_and_clicks(
    tmp_path: Path, sandbox: Sandbox, clock: Clock, faults: tuple[str, ...], kind: str
) -> None:
    """A share as partner is read with our token and needs no permission from the customer."""
    web = faulty_web(tmp_path, sandbox, clock, faults, kind)
    _connect_operator(web)
    invitation, path = invite(web, kind)
    guest = web.another_browser()
    guest.post(f"{path}/shared", {"form_token": form_token(guest.get(path).body)})
    clock.at += dt.timedelta(minutes=5)
    guest.get(path)

    check_page(guest.get(path).body, kind, faults)
    assert state_of(web, invitation) == "partly_granted"


def test_a_node_without_a_role_and_a_page_without_instagram_are_named(tmp_path: Path, sandbox: Sandbox, clock: Clock) -> None:
    text = INTAKE.replace('"act_1000000001"', '"act_1000000001", "act_4040404040"').replace("17841400000000001", "17841499999999999")
    web = make_inviting_web(tmp_path, sandbox, clock, text)
    _, path = invite(web)
    consent(web, path, web.browser)
    page = web.browser.get(path).body

    assert "act_4040404040 is not among what you can share" in page and "Forward the text below to an admin" in page
    assert "17841499999999999: no Instagram account is linked" in page and "Linked accounts" in page


def test_sharing_as_partner_is_checked_at_growing_intervals(web: Web, sandbox: Sandbox, clock: Clock) -> None:
    sandbox.control("tasks", {"node": "act_1000000001", "tasks": []})  # not shared yet
    _connect_operator(web)
    invitation, path = invite(web, "ad_account")
    guest = web.another_browser()
    page = guest.post(f"{path}/shared", {"form_token": form_token(guest.get(path).body)})
    assert page.status == 303 and state_of(web, invitation) == "waiting_for_meta"
    assert "Waiting for your share" in guest.get(path).body
    sandbox.control("tasks", {"node": "act_1000000001", "tasks": ["ANALYZE"]})
    guest.get(path)
    assert state_of(web, invitation) == "waiting_for_meta"  # not before it is due, however often the page is opened
    clock.at += dt.timedelta(minutes=5)
    guest.get(path)
    page = guest.get(path)
    assert "Everything is shared" in page.body and "Impressions" in page.body
    assert state_of(web, invitation) == "verified"
    stored = invitations.find(web.runtime.engine, invitation.id)
    assert stored is not None and stored.next_check_at is None


def test_a_consent_whose_check_was_killed_is_checked_again(web: Web, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    invitation, path = invite(web)
    with monkeypatch.context() as killed:
        killed.setattr("meta_pipeline.web.routes.following.shares.verify", _killed)
        with pytest.raises(SystemExit):
            consent(web, path, web.browser)
    assert state_of(web, invitation) == "waiting_for_meta"
    runtime = web.runtime
    assert shares.due_checks(runtime.engine, now=clock.now()) == []
    clock.at += shares.ABANDONED_AFTER
    shares.check_shares(
        intake=runtime.intake, features=runtime.features, graph=runtime.graph, tokens=runtime.vault,
        engine=runtime.engine, now=clock.now(),
    )
    assert state_of(web, invitation) == "verified"


def test_without_a_share_an_invitation_lapses_and_makes_few_calls(web: Web, sandbox: Sandbox, clock: Clock) -> None:
    sandbox.control("tasks", {"node": "act_1000000001", "tasks": []})
    _connect_operator(web)
    invitation, path = invite(web, "ad_account")
    web.browser.post(f"{path}/shared", {"form_token": form_token(web.browser.get(path).body)})
    runtime, checks = web.runtime, 0
    for _ in range(7 * 24 * 4):
        clock.at += dt.timedelta(minutes=15)
        before = sandbox.control("calls").get("GET /me/adaccounts", 0)
        shares.check_shares(
            intake=runtime.intake, features=runtime.features, graph=runtime.graph, tokens=runtime.vault,
            engine=runtime.engine, now=clock.now(),
        )
        checks += sandbox.control("calls").get("GET /me/adaccounts", 0) - before
    assert 8 <= checks <= 16
    issuing.lapse(engine=runtime.engine, now=clock.now())
    assert state_of(web, invitation) == "lapsed"


def _killed(*_: object, **__: object) -> None:
    raise SystemExit(1)


def _connect_operator(web: Web) -> Browser:
    operator = signed_in(web, "ann@agency.example")
    operator.get(web.consented(web.dialog("/connect?phase=2", operator)))
    return operator
