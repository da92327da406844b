"""Request nodes of partners, and poll every share until it is accepted, refused or lapsed (docs/graph-api.md §5.3)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from meta_pipeline.flows.connections import given_shares
from meta_pipeline.flows.connections.system_users import Admin, checked_id
from meta_pipeline.graph.errors import RequestError, ScopeError
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.linker.edge_reader import EdgeReader
from meta_pipeline.linker.edges import IDENTITIES, OF_A_BUSINESS, Account, Instagram, Page, Pending
from meta_pipeline.linker.sharing import ADVERTISE, LIFE, Listing, owner_steps, verdict, wait_before
from meta_pipeline.records import AccessToken, MetaPipelineError
from meta_pipeline.store.connections.node_links import find_link
from meta_pipeline.store.nodes import share_requests
from meta_pipeline.store.nodes.share_requests import ShareRequest

# The edge of a business on which nodes of a kind are requested, and the parameter that names the node.
_REQUESTED_ON = {"ad_account": ("client_ad_accounts", "adaccount_id"), "page": ("client_pages", "page_id")}


def request(
    node_id: str, *, tasks: Sequence[str], admin: Admin, engine: sa.Engine, now: dt.datetime
) -> ShareRequest:
    """Request a partner's node through Meta. If Meta does not let this app request it, the returned sentence says how
    the owner shares it by hand. In both cases, the request is polled from now on."""
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
            wanted, is_sent=False,
            sentence=f"Meta does not let this app request it: {error.reason}. {owner_steps(wanted)}",
        )
    share_requests.save(engine, wanted)
    return wanted


def poll(wanted: ShareRequest, *, admin: Admin, engine: sa.Engine, now: dt.datetime) -> ShareRequest:
    """Read the state of a request from Meta, and record it with the time of the next poll."""
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
    *,
    admin_of: Callable[[str | None], Admin],
    page_token_of: Callable[[str], AccessToken | None],
    engine: sa.Engine,
    now: dt.datetime,
) -> tuple[list[ShareRequest], list[str]]:
    """Poll every share that is due, of partners' nodes and of ours; return those whose state changed, and a sentence
    for each that could not be polled. `admin_of(business_id)` returns our business with the token that administers it
    (None: our only business); `page_token_of(node_id)` returns a Page's own token."""
    changed, problems = [], []
    for waiting in share_requests.find_due(engine, now=now):
        try:
            polled = poll_any(waiting, admin_of=admin_of, page_token_of=page_token_of, engine=engine, now=now)
        except MetaPipelineError as error:
            problems.append(f"the share of {waiting.node_id} could not be checked: {error}")
            continue
        if polled.state != waiting.state:
            changed.append(polled)
    return changed, problems


def poll_any(
    share: ShareRequest,
    *,
    admin_of: Callable[[str | None], Admin],
    page_token_of: Callable[[str], AccessToken | None],
    engine: sa.Engine,
    now: dt.datetime,
) -> ShareRequest:
    """Poll a share of either direction: a partner's node or ours."""
    if share.direction == "in":
        return poll(share, admin=admin_of(share.business_id), engine=engine, now=now)
    link = find_link(engine, share.node_id)
    admin = admin_of(link.owner_business_id if link else None)
    return given_shares.poll(share, admin=admin, page_token=page_token_of(share.node_id), engine=engine, now=now)


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
    has_identity = None
    if wanted.kind == "ad_account" and ADVERTISE in wanted.tasks and tasks.get(wanted.node_id):
        identities = EdgeReader(admin.graph, admin.token)  # a failure of this read does not fail the poll
        rows = identities.rows(dataclasses.replace(IDENTITIES, path=f"{wanted.node_id}/{IDENTITIES.name}"), Instagram)
        has_identity = None if identities.failed else bool(rows)
    failed = "; ".join(f"{each.edge.name}: {each.reason}" for each in reader.failed) or None
    return Listing(
        is_pending=wanted.node_id in pending, is_shared=wanted.node_id in tasks, tasks=tasks.get(wanted.node_id),
        has_identity=has_identity, failed=failed,
    )
