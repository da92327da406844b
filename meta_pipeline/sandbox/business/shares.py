"""Requests for access between portfolios, and their outcome (docs/graph-api.md §5.3).

The agency requests access to what a client owns, and the client's admin answers in the business settings, which a
control call simulates. The agency gives its clients access to its own nodes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.cast import OWN_BUSINESS, PENDING_ACCOUNTS, PENDING_PAGES
from meta_pipeline.sandbox.world.entities import Account, Business, Page
from meta_pipeline.sandbox.world.world import World

PENDING, CONFIRMED, DECLINED = "CLIENT_RESPONSE_PENDING", "CONFIRMED", "DECLINED"
# A node that people do not reach has an empty list of tasks in `NodeAccess`.
_NO_TASKS: list[str] = []


@dataclass(kw_only=True)
class Share:
    """A node of one portfolio that another one uses, or has requested. `node`: None when the world has it already."""

    node_id: str
    kind: str
    name: str
    owner: Business
    agency: Business
    tasks: list[str]
    status: str
    requested_at: dt.datetime
    updated_at: dt.datetime
    node: Account | Page | None = None

    @property
    def request_id(self) -> str:
        """The id of the request, which is not the node's."""
        return f"7{self.agency.id[-4:]}{self.node_id[-8:]}"

    def to_json(self) -> dict[str, Any]:
        """Return the share as a control call shows it."""
        return {
            "node": self.node_id, "kind": self.kind, "name": self.name, "owner": self.owner.id,
            "agency": self.agency.id, "tasks": self.tasks, "status": self.status,
        }


@dataclass(kw_only=True)
class Shares:
    """Every share and request. `is_allow_listed`: the app may write them through the API; `needs_approval`: access that
    the agency gives waits for its own admin."""

    world: World
    access: NodeAccess
    is_allow_listed: bool = False
    needs_approval: bool = False
    shares: list[Share] = field(default_factory=list)

    def __post_init__(self) -> None:
        at = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
        for kind, nodes in (("ad_account", PENDING_ACCOUNTS), ("page", PENDING_PAGES)):
            for node in nodes:
                self.shares.append(Share(
                    node_id=node.id, kind=kind, name=node.name, owner=node.business, agency=OWN_BUSINESS,
                    tasks=["ANALYZE"], status=PENDING, requested_at=at, updated_at=at, node=node,
                ))

    def pending(self, agency: Business, kind: str) -> list[Share]:
        """Return the requests of a portfolio that nobody has answered."""
        return [
            share for share in self.shares
            if share.agency == agency and share.kind == kind and share.status == PENDING
        ]

    def find(self, node_id: str, agency: Business) -> Share | None:
        """Return the newest share of a node with a portfolio."""
        of_both = [share for share in self.shares if share.node_id == node_id and share.agency == agency]
        return of_both[-1] if of_both else None

    def agencies(self, node_id: str) -> list[Share]:
        """Return the confirmed shares of a node."""
        return [share for share in self.shares if share.node_id == node_id and share.status == CONFIRMED]

    def request(self, node: Account | Page, *, agency: Business, tasks: list[str], now: dt.datetime) -> Share:
        """Request a node of another portfolio, or more tasks on it. Access that exists already stays."""
        return self._new(node, agency=agency, tasks=tasks, status=PENDING, now=now)

    def give(self, node: Account | Page, *, agency: Business, tasks: list[str], now: dt.datetime) -> Share:
        """Give another portfolio access to a node at once, unless an admin has to approve it."""
        status = PENDING if self.needs_approval else CONFIRMED
        return self._new(node, agency=agency, tasks=tasks, status=status, now=now)

    def answer_for(self, node_id: str, partner: Business, answer: str, now: dt.datetime) -> Share:
        """Act as the agency's own admin: `accept` gives a partner access to a node, also without a request; `take_back`
        ends it. Raise ValueError when the node is not the agency's."""
        node = self.world.accounts.get(node_id) or self.world.pages.get(node_id)
        if node is None or node.business != OWN_BUSINESS or answer not in ("accept", "take_back"):
            raise ValueError(f"the agency's admin can't {answer} {node_id}")
        share = self.find(node_id, partner) or self._new(
            node, agency=partner, tasks=["ANALYZE"], status=PENDING, now=now
        )
        share.status, share.updated_at = CONFIRMED if answer == "accept" else DECLINED, now
        return share

    def take_back(self, node_id: str, *, agency: Business, now: dt.datetime) -> bool:
        """End a portfolio's access to a node, or withdraw its request; return whether there was any."""
        share = self.find(node_id, agency)
        if share is None or share.status == DECLINED:
            return False
        share.status, share.updated_at = DECLINED, now
        if agency == OWN_BUSINESS:
            self.access.tasks[node_id] = _NO_TASKS
        return True

    def answer(self, node_id: str, answer: str, tasks: list[str] | None, now: dt.datetime) -> Share:
        """Act as the admin of the portfolio that owns a node: `accept` (with fewer or other tasks), `refuse`, `tasks`
        or `take_back`. Raise ValueError when there is nothing to answer."""
        share = self.find(node_id, OWN_BUSINESS) or self._existing(node_id, now)
        if answer in ("accept", "refuse") and share.status != PENDING:
            raise ValueError(f"{node_id} has no pending request")
        share.updated_at = now
        if answer in ("refuse", "take_back"):
            share.status = DECLINED
            self.access.tasks[node_id] = _NO_TASKS
        elif answer in ("accept", "tasks"):
            share.status, share.tasks = CONFIRMED, list(tasks or share.tasks)
            self._add(share)
            self.access.tasks[node_id] = share.tasks
        else:
            raise ValueError(f"an admin answers accept, refuse, tasks or take_back, not {answer}")
        return share

    def _new(
        self, node: Account | Page, *, agency: Business, tasks: list[str], status: str, now: dt.datetime
    ) -> Share:
        share = Share(
            node_id=node.id, kind="ad_account" if isinstance(node, Account) else "page", name=node.name,
            owner=node.business, agency=agency, tasks=tasks, status=status, requested_at=now, updated_at=now,
        )
        self.shares.append(share)
        return share

    def _existing(self, node_id: str, now: dt.datetime) -> Share:
        """Return the share of a client's node that people have reached from the beginning."""
        node = self.world.accounts.get(node_id) or self.world.pages.get(node_id)
        if node is None or node.business == OWN_BUSINESS:
            raise ValueError(f"no client shares {node_id}")
        return self._new(node, agency=OWN_BUSINESS, tasks=["ANALYZE"], status=CONFIRMED, now=now)

    def _add(self, share: Share) -> None:
        """Add a node to the world when it is accepted for the first time."""
        if isinstance(share.node, Account) and share.node_id not in self.world.accounts:
            self.world.add_account(share.node)
            self.world.invalidate_caches()
        elif isinstance(share.node, Page):
            self.world.pages.setdefault(share.node_id, share.node)
