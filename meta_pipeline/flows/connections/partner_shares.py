"""Share nodes with partners, both ways: request, poll until somebody has answered, give and take back
(docs/graph-api.md §5.3)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from meta_pipeline.flows.connections.system_users import Admin, checked_id
from meta_pipeline.graph.errors import RequestError, ScopeError
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.linker.edge_reader import EdgeReader
from meta_pipeline.linker.edges import OF_A_BUSINESS, Account, Page, Pending
from meta_pipeline.linker.sharing import LIFE, Listing, owner_steps, verdict, wait_before
from meta_pipeline.records import AccessToken, MetaPipelineError
from meta_pipeline.store.nodes import share_requests
from meta_pipeline.store.nodes.share_requests import ShareRequest

# The edge of a business on which nodes of a kind are requested, and the parameter that names the node.
_REQUESTED_ON = {"ad_account": ("client_ad_accounts", "adaccount_id"), "page": ("client_pages", "page_id")}


def request(
    node_id: str, *, tasks: Sequence[str], admin: Admin, engine: sa.Engine, now: dt.datetime
) -> ShareRequest:
    """Request a partner's node: through Meta where the app is allow-listed, otherwise by the clicks in the sentence.
    Either way it is polled from now on."""
    kind = "ad_account" if checked_id(node_id).startswith("act_") else "page"
    edge, parameter = _REQUESTED_ON[kind]
    wanted = ShareRequest(
        node_id=node_id, business_id=admin.business_id, direction="in", kind=kind, tasks=tuple(tasks), is_sent=True,
        state="waiting", sentence="requested: the owner's admins are notified by Meta", requested_at=now,
        ends_at=now + LIFE, next_check_at=now + wait_before(0),
    )
    try:
        params = {parameter: node_id, "permitted_tasks": list(tasks)}
        admin.graph.write(WriteKind.PARTNER_REQUEST, f"{admin.business_id}/{edge}", params, token=admin.token)
    except (ScopeError, RequestError) as error:
        wanted = dataclasses.replace(
            wanted, is_sent=False, sentence=f"Meta does not let this app request it ({error}). {owner_steps(wanted)}"
        )
    share_requests.save(engine, wanted)
    return wanted


def poll(wanted: ShareRequest, *, admin: Admin, engine: sa.Engine, now: dt.datetime) -> ShareRequest:
    """Ask Meta what became of a request, and record it with the time of the next poll."""
    listing = _listing(wanted, admin)
    state, sentence = verdict(wanted, listing, now=now)
    polled = dataclasses.replace(
        wanted, state=state, sentence=sentence, checks=wanted.checks + 1, checked_at=now,
        was_pending=wanted.was_pending or listing.is_pending,
        next_check_at=now + wait_before(wanted.checks + 1) if state == "waiting" else None,
    )
    share_requests.save(engine, polled)
    return polled


def poll_due(
    *, admin_of: Callable[[str], Admin], engine: sa.Engine, now: dt.datetime
) -> tuple[list[ShareRequest], list[str]]:
    """Poll every request that is due; return those whose state changed, and a sentence for each that could not be
    polled. `admin_of(business_id)` returns the token that administers our business."""
    changed, problems = [], []
    for wanted in share_requests.find_due(engine, now=now):
        try:
            polled = poll(wanted, admin=admin_of(wanted.business_id), engine=engine, now=now)
        except MetaPipelineError as error:
            problems.append(f"the request for {wanted.node_id} could not be checked: {error}")
            continue
        if polled.state != wanted.state:
            changed.append(polled)
    return changed, problems


def give(
    node_id: str,
    partner_id: str,
    *,
    tasks: Sequence[str],
    admin: Admin,
    engine: sa.Engine,
    now: dt.datetime,
    page_token: AccessToken | None = None,
) -> ShareRequest:
    """Give a partner tasks on a node of ours, a Page with its own token; where Meta refuses, the sentence has the
    clicks."""
    kind = "ad_account" if checked_id(node_id).startswith("act_") else "page"
    given = ShareRequest(
        node_id=node_id, business_id=checked_id(partner_id), direction="out", kind=kind, tasks=tuple(tasks),
        is_sent=True, state="confirmed", sentence="the partner has access", requested_at=now, ends_at=now + LIFE,
    )
    try:
        params = {"business": partner_id, "permitted_tasks": list(tasks)}
        token = page_token or admin.token
        answer = admin.graph.write(WriteKind.PARTNER_ACCESS, f"{node_id}/agencies", params, token=token).object
        if answer.get("requires_admin_approval"):
            given = dataclasses.replace(given, state="waiting", sentence="an admin of our business has to approve it")
    except (ScopeError, RequestError) as error:
        given = dataclasses.replace(
            given, is_sent=False, state="waiting",
            sentence=f"Meta does not let this app share it ({error}). By hand: Business settings → the node → Assign "
            f"partner → {partner_id}",
        )
    share_requests.save(engine, given)
    return given


def take_back(
    node_id: str,
    partner_id: str,
    *,
    admin: Admin,
    engine: sa.Engine,
    now: dt.datetime,
    page_token: AccessToken | None = None,
) -> ShareRequest:
    """End a partner's access to a node of ours, of a Page with its own token; where Meta refuses, the sentence has the
    clicks and the share stays as it was."""
    of_partners = {
        (each.node_id, each.business_id): each for each in share_requests.find_all(engine) if each.direction == "out"
    }
    kind = "ad_account" if checked_id(node_id).startswith("act_") else "page"
    given = of_partners.get((node_id, checked_id(partner_id))) or ShareRequest(
        node_id=node_id, business_id=partner_id, direction="out", kind=kind, tasks=(), is_sent=False,
        state="confirmed", sentence="", requested_at=now, ends_at=now + LIFE,
    )
    try:
        admin.graph.write(
            WriteKind.PARTNER_REMOVAL, f"{node_id}/agencies", {"business": partner_id},
            token=page_token or admin.token,
        )
        ended = dataclasses.replace(given, state="taken_back", sentence="the partner has no access any longer")
    except (ScopeError, RequestError) as error:
        ended = dataclasses.replace(
            given, sentence=f"Meta does not let this app take it back ({error}). By hand: Business settings → the node "
            f"→ Partners → {partner_id} → Remove",
        )
    share_requests.save(engine, dataclasses.replace(ended, checked_at=now))
    return ended


def _listing(wanted: ShareRequest, admin: Admin) -> Listing:
    """Read the edge of pending requests and the edge of shared nodes."""
    reader = EdgeReader(admin.graph, admin.token)
    edges = {each.relation: each.of(admin.business_id) for each in OF_A_BUSINESS if each.kind == wanted.kind}
    pending = [
        asset.id for row in reader.rows(edges["pending_client"], Pending)
        if (asset := row.ad_account or row.page) is not None
    ]
    tasks: dict[str, tuple[str, ...] | None] = {}
    if wanted.kind == "ad_account":
        for account in reader.rows(edges["client"], Account):
            tasks[account.id] = account.user_tasks
    else:
        for page in reader.rows(edges["client"], Page):
            tasks[page.id] = None if page.access_token else ()
    failed = "; ".join(f"{each.edge.name}: {each.reason}" for each in reader.failed) or None
    return Listing(
        is_pending=wanted.node_id in pending, is_shared=wanted.node_id in tasks, tasks=tasks.get(wanted.node_id),
        failed=failed,
    )
