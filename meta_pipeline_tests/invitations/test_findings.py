"""The findings about an invitation: each reason, alone and in pairs, from plain records."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from meta_pipeline.consent.scopes import enabled_scopes, scopes_for_kinds
from meta_pipeline.intake.file import parse_intake
from meta_pipeline.invitations.findings import Access, findings, is_wanted, readable
from meta_pipeline.records import NodeLink

KINDS = ("ad_account", "page", "instagram_account")
(NORTH,) = parse_intake(
    '[tenants.north]\nbusinesses = ["501"]\nad_accounts = ["act_1"]\npages = ["2"]\ninstagram_accounts = ["3"]', source="t"
).tenants
(BY_OWNER,) = parse_intake('[tenants.north]\nbusinesses = ["501"]', source="t").tenants


def link(id: str, kind: str) -> NodeLink:
    return NodeLink(
        kind=kind, id=id, name=f"Node {id}", access="unknown", owner_business="Elsewhere", tasks=(), timezone="UTC",
        currency=None, token_ref="t",
    )


LINKS = [link("act_1", "ad_account"), link("2", "page"), link("3", "instagram_account")]
REQUESTED = scopes_for_kinds(KINDS)
ALL = {scope.name for scope in REQUESTED}
OWNED = {"act_1": "501", "2": "501", "3": "501"}
TASKS = {"act_1": ("ANALYZE",), "2": ("ANALYZE",)}
FAULTS: dict[str, dict[str, Any]] = {
    "missing_scope": {"granted": ALL - {"read_insights"}},
    "missing_task": {"tasks": {**TASKS, "2": ("MESSAGING",)}},
    "wrong_owner": {"owners": {**OWNED, "act_1": "777"}},
    "wrong_direction": {"only_from_us": ("501",)},
}


def access(*faults: str) -> Access:
    values: dict[str, Any] = {"links": LINKS, "tasks": TASKS, "requested": REQUESTED, "granted": ALL, "owners": OWNED}
    for fault in faults:
        values |= FAULTS[fault]
    return Access(**values)


@pytest.mark.parametrize("faults", [(), *[(name,) for name in FAULTS], *itertools.combinations(FAULTS, 2), tuple(FAULTS)])
def test_each_set_of_faults_is_reported(faults: tuple[str, ...]) -> None:
    missing = findings(NORTH, KINDS, access(*faults))

    assert {finding.reason for finding in missing} == set(faults)
    assert len(missing) == len(faults)


def test_a_finding_has_the_values_that_its_sentence_names() -> None:
    by_reason = {finding.reason: finding for finding in findings(NORTH, KINDS, access(*FAULTS))}

    scope = by_reason["missing_scope"].scope
    assert scope is not None and scope.name == "read_insights" and by_reason["missing_scope"].kind == "page"
    assert (by_reason["wrong_owner"].name, by_reason["wrong_owner"].owner) == ("Node act_1", "Elsewhere")
    assert (by_reason["missing_task"].kind, by_reason["missing_task"].node_id) == ("page", "2")


def test_an_unreached_node_is_reported_as_a_missing_role_or_link() -> None:
    missing = findings(NORTH, KINDS, Access(links=[link("2", "page")], requested=REQUESTED, granted=ALL, owners=OWNED))

    assert [(finding.reason, finding.node_id) for finding in missing] == [
        ("not_an_admin", "act_1"), ("no_instagram_link", "3"),
    ]


def test_nodes_that_a_missing_permission_would_list_are_not_reported_too() -> None:
    missing = findings(NORTH, ("ad_account",), Access(requested=REQUESTED, granted=ALL - {"ads_read"}))

    assert [(finding.reason, finding.scope and finding.scope.name) for finding in missing] == [("missing_scope", "ads_read")]


def test_a_share_without_a_consent_lacks_no_permission() -> None:
    assert findings(NORTH, KINDS, Access(links=LINKS, tasks=TASKS, requested=REQUESTED, owners=OWNED)) == []


def test_a_tenant_without_named_nodes_wants_those_that_it_owns() -> None:
    given = Access(links=LINKS, tasks=TASKS, requested=REQUESTED, granted=ALL, owners={"act_1": "501", "2": "777"})
    missing = findings(BY_OWNER, ("ad_account", "page"), given)

    assert [(finding.reason, finding.node_id) for finding in missing] == [("wrong_owner", "2")]
    assert is_wanted(LINKS[0], BY_OWNER, KINDS, given.owners) and not is_wanted(LINKS[1], BY_OWNER, KINDS, given.owners)
    assert not is_wanted(LINKS[0], BY_OWNER, ("page",), given.owners)


def test_leads_need_their_own_task() -> None:
    requested = scopes_for_kinds(KINDS, {"leads"})
    leads = [scope for scope in enabled_scopes(3, {"leads"}) if scope.name == "leads_retrieval"]
    given = Access(
        links=LINKS, tasks=TASKS, requested=[*requested, *leads], granted=ALL | {"leads_retrieval"}, owners=OWNED)

    assert [(finding.reason, finding.node_id) for finding in findings(NORTH, KINDS, given)] == [("leads_access", "2")]


def test_a_node_without_the_task_is_not_read() -> None:
    missing = findings(NORTH, KINDS, access("missing_task"))

    assert [each.id for each in readable(LINKS, missing)] == ["act_1", "3"]
