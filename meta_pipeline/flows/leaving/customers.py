"""The erasure that a customer starts on the status page of an invitation: it erases what that customer granted."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa

from meta_pipeline.erasure.plan import Invited
from meta_pipeline.flows.connections.tokens import disconnect
from meta_pipeline.flows.inviting import issuing
from meta_pipeline.flows.leaving.callbacks import request_erasure
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.intake.intake import Intake
from meta_pipeline.invitations.findings import is_wanted
from meta_pipeline.invitations.states import ANSWERED, PENDING
from meta_pipeline.records import VaultError
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.people import invitations
from meta_pipeline.store.people.invitations import Invitation
from meta_pipeline.vault.vault import Vault

STATUS_PAGE = "status page"


def erase_invitation(
    invitation: Invitation, *, graph: GraphClient, tokens: Vault, engine: sa.Engine, now: dt.datetime
) -> str:
    """Queue the erasure of what an invitation granted, end its access, and return the confirmation code. The erasure is
    queued first: if this process is killed in between, the erasure removes the access."""
    code = request_erasure("invitation", invitation.id, STATUS_PAGE, tokens=tokens, engine=engine, now=now)
    ref_id = invitation.token_ref
    others = [each for each in invitations.find_all(engine) if each.id != invitation.id and _is_in_force(each)]
    if ref_id is not None and ref_id not in {each.token_ref for each in others}:
        with contextlib.suppress(VaultError):  # erased meanwhile
            disconnect(ref_id, graph=graph, tokens=tokens)
    issuing.move(engine, invitation.id, "revoked", actor=issuing.CUSTOMER, now=now, next_check_at=None)
    return code


def invited(intake: Intake, *, engine: sa.Engine) -> Mapping[str, Invited]:
    """Return the token of each invitation, and the linked nodes that it requested, without our own nodes; by its id."""
    links = [link for link in list_links(engine) if link.owner_business_id != intake.business or not intake.business]
    owners = {link.id: link.owner_business_id for link in links if link.owner_business_id}
    covered: dict[str, Invited] = {}
    for each in invitations.find_all(engine):
        tenant = intake.tenant(each.tenant)
        nodes = [link.id for link in links if tenant is not None and is_wanted(link, tenant, each.kinds, owners)]
        covered[each.id] = Invited(
            token_ref=each.token_ref, nodes=frozenset(nodes if each.way else ()), is_in_force=_is_in_force(each)
        )
    return covered


def _is_in_force(invitation: Invitation) -> bool:
    return invitation.state in (*PENDING, *ANSWERED)
