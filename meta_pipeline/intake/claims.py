"""Compare the claims of the intake with the evidence: the links, the tokens and the settings. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from meta_pipeline.intake.intake import Intake
from meta_pipeline.intake.tenants import Tenant
from meta_pipeline.records import NodeLink, TokenRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Facts that do not come from the intake. `links`: every linked node; `tasks`: the tasks that any token has on a
    node, where Meta returned them; `tokens`: the tokens in use of people and system users; `owners`: the id of the
    business that owns a node, where it is known; `redirect_uri`: the one that we send; `scope_names`: the permissions
    that this pipeline uses."""

    links: Sequence[NodeLink]
    tasks: Mapping[str, Collection[str]]
    tokens: Sequence[TokenRef]
    owners: Mapping[str, str]
    redirect_uri: str
    scope_names: Collection[str]


def contradictions(intake: Intake, evidence: Evidence) -> Iterator[str]:
    """Yield a sentence for each claim that the evidence contradicts, each with the remedy."""
    yield from _of_the_app(intake, evidence)
    yield from _of_tokens(intake, evidence)
    links = {link.id: link for link in evidence.links}
    for tenant in intake.tenants:
        yield from _of_a_tenant(tenant, links, evidence)


def _of_the_app(intake: Intake, evidence: Evidence) -> Iterator[str]:
    uri = evidence.redirect_uri
    if intake.app.redirect_uris and uri not in intake.app.redirect_uris:
        yield (
            f"app.redirect_uris lacks {uri}, to which logins return: add it there and in the app's settings at "
            "Meta, or change META_PIPELINE_PUBLIC_URL"
        )
    host = urlsplit(uri).hostname or ""
    if intake.app.domains and not any(host == domain or host.endswith(f".{domain}") for domain in intake.app.domains):
        yield f"app.domains lacks {host}, to which logins return: add it there and in the app's settings at Meta"
    if intake.app.is_live is False:
        yield "app.is_live is false: only people with a role in the app can log in until it is in live mode"
    if intake.is_business_admin is False:
        yield "is_business_admin is false: somebody has to become an admin of our portfolio before partners are added"


def _of_tokens(intake: Intake, evidence: Evidence) -> Iterator[str]:
    for name in intake.scopes:
        if name not in evidence.scope_names:
            yield f"scopes: {name} is not among the permissions used here: {', '.join(evidence.scope_names)}"
    granted = {name for ref in evidence.tokens for name in ref.scopes}
    lacking = [name for name in intake.scopes if name in evidence.scope_names and name not in granted]
    if evidence.tokens and lacking:
        yield (
            f"scopes: no token has {', '.join(lacking)}: connect again and grant it, or check that the app has "
            "Advanced Access to it"
        )
    kinds = {ref.kind for ref in evidence.tokens}
    if evidence.tokens and intake.start_with is not None and intake.start_with not in kinds:
        noun = "system user" if intake.start_with == "system_user" else "person"
        yield f'start_with is "{intake.start_with}", and no token of a {noun} is in use: run `meta-pipeline connect`'


def _of_a_tenant(tenant: Tenant, links: Mapping[str, NodeLink], evidence: Evidence) -> Iterator[str]:
    for id in sorted(tenant.nodes & links.keys()):
        link, kind = links[id], tenant.kinds.get(id)
        if kind is not None and kind != link.kind:
            yield f"tenant {tenant.name}: {id} is listed as {kind}, and Meta lists it as {link.kind}: move it"
        owner = evidence.owners.get(id)
        if tenant.shares == "with_us" and owner is not None and tenant.businesses and owner not in tenant.businesses:
            yield (
                f"tenant {tenant.name}: {id} is owned by business {owner}, which is not the tenant's: add the "
                "business, or ask its owner to share it"
            )
        agreed, actual = tenant.tasks.get(link.kind, ()), evidence.tasks.get(id, ())
        lacking = [task for task in agreed if task not in actual]
        if actual and lacking:
            yield (
                f"tenant {tenant.name}: {', '.join(lacking)} was agreed on {id}, and is not assigned: its owner "
                "assigns it in Business settings"
            )
    for contact in tenant.contacts:
        if contact.business not in tenant.businesses:  # parse_intake rejects it, other callers don't
            yield f"tenant {tenant.name}: contacts: {contact.business} is not one of its businesses"
