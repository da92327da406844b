"""What an invitation brings: each fault with its sentence and click, shares as partner, and a check that was killed."""

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


SINGLE = {
    "missing_scope": ("permission to read the insights of Pages was not given", "Sign in again, and leave the permission ticked"),
    "missing_task": ("Northwind US: you may see it, but the task “View performance”", "/settings/ad-accounts/1000000001"),
    "wrong_owner": ("Northwind US belongs to another business portfolio (Elsewhere)", "Forward the text below to an admin"),
    "wrong_direction": ("Example Agency shares with you, and you don&#39;t share", "choose Give a partner access to your assets"),
}


PRODUCED = [name for name in SINGLE if name != "wrong_owner"]  # by this sandbox; the owner is in test_findings.py


@pytest.mark.parametrize("faults", [
    *[(name,) for name in PRODUCED], *itertools.combinations(PRODUCED, 2),
], ids="+".join)
def test_each_pair_of_faults_leads_to_its_sentences_and_clicks(
    tmp_path: Path, sandbox: Sandbox, clock: Clock, faults: tuple[str, ...]
) -> None:
    # The customer is the sandbox's agency; we are a client of it, so that only it shares.
    text = INTAKE.replace("[tenants.north]", '[tenants.north]\nbusinesses = ["2000000000001"]\nshares = "with_us"')
    if "wrong_direction" in faults:
        text = text.replace('business = "2000000000009"', 'business = "2000000000002"')
    web = make_inviting_web(tmp_path, sandbox, clock, text)
    if "missing_task" in faults:
        sandbox.control("tasks", {"node": "act_1000000001", "tasks": ["ADVERTISE"]})
    invitation, path = invite(web)
    consent(web, path, web.browser, without=("read_insights",) if "missing_scope" in faults else ())
    page = web.browser.get(path).body

    for name, (sentence, click) in SINGLE.items():
        assert (sentence in page) == (name in faults), (name, page)
        assert (click in page) == (name in faults), (name, page)
    assert state_of(web, invitation) == "partly_granted"


def test_a_node_without_a_role_and_a_page_without_instagram_are_named(tmp_path: Path, sandbox: Sandbox, clock: Clock) -> None:
    text = INTAKE.replace('"act_1000000001"', '"act_1000000001", "act_4040404040"').replace("17841400000000001", "17841499999999999")
    web = make_inviting_web(tmp_path, sandbox, clock, text)
    _, path = invite(web)
    consent(web, path, web.browser)
    page = web.browser.get(path).body

    assert "act_4040404040 is not among what you can share" in page and "Forward the text below to an admin" in page
    assert "17841499999999999: no Instagram account is linked" in page and "Linked accounts" in page


def test_sharing_as_partner_is_looked_for_at_growing_intervals(web: Web, sandbox: Sandbox, clock: Clock) -> None:
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


def test_a_partner_who_never_shares_lapses_and_costs_few_calls(web: Web, sandbox: Sandbox, clock: Clock) -> None:
    sandbox.control("tasks", {"node": "act_1000000001", "tasks": []})
    _connect_operator(web)
    invitation, path = invite(web, "ad_account")
    web.browser.post(f"{path}/shared", {"form_token": form_token(web.browser.get(path).body)})
    runtime, looks = web.runtime, 0
    for _ in range(7 * 24 * 4):
        clock.at += dt.timedelta(minutes=15)
        before = sandbox.control("calls").get("GET /me/adaccounts", 0)
        shares.check_shares(
            intake=runtime.intake, features=runtime.features, graph=runtime.graph, tokens=runtime.vault,
            engine=runtime.engine, now=clock.now(),
        )
        looks += sandbox.control("calls").get("GET /me/adaccounts", 0) - before
    assert 8 <= looks <= 16
    issuing.lapse(engine=runtime.engine, now=clock.now())
    assert state_of(web, invitation) == "lapsed"


def _killed(*_: object, **__: object) -> None:
    raise SystemExit(1)


def _connect_operator(web: Web) -> Browser:
    operator = signed_in(web, "ann@agency.example")
    operator.get(web.consented(web.dialog("/connect?phase=2", operator)))
    return operator
