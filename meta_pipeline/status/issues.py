"""The issues of a connection: what is wrong, in a sentence, and the action that fixes it. The pages, the CLI and
Dagster's checks show them. No I/O, no clock."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from meta_pipeline.consent.scopes import Scope, missing_scopes
from meta_pipeline.display import printable
from meta_pipeline.linker.edges import IDENTITIES
from meta_pipeline.linker.sharing import ADVERTISE, no_identity
from meta_pipeline.node_kinds import AD_ACCOUNT, KINDS_BY_NAME
from meta_pipeline.records import Grant, NodeLink, TokenRef
from meta_pipeline.status.action_links import ActionLinks
from meta_pipeline.status.token_health import DISCONNECTED, THRESHOLDS, days_left, in_days, invalidation_of
from meta_pipeline.status.wording import are, counted, names, plural_kinds
from meta_pipeline.store.connections.access import READING_TASK
from meta_pipeline.store.connections.unread_edges import UnreadEdge


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A sentence that says what is wrong, and the link that fixes it. `is_urgent`: something is not read, or soon
    will not be."""

    message: str
    action: str
    url: str
    is_urgent: bool = True

    def __post_init__(self) -> None:
        # Names come from Meta, and this sentence reaches terminals, Dagster and pages.
        object.__setattr__(self, "message", printable(self.message, limit=1000))


def token_issues(ref: TokenRef, *, phase: int, action_links: ActionLinks, now: dt.datetime) -> list[Issue]:
    """Return what is wrong with the token itself, most urgent first."""
    connect_url = action_links.connect(phase)
    if ref.retired_at is not None:
        return _retired_issues(ref, connect_url, action_links=action_links)
    issues = []
    for until, ends in ((ref.expires_at, "expires"), (ref.data_access_expires_at, "loses data access")):
        days = days_left(until, now=now)
        if days is not None and days < THRESHOLDS[0]:
            message = f"The token of {ref.subject_name} {ends} {in_days(days)}."
            is_urgent = days < THRESHOLDS[2]
            issues.append(Issue(message=message, action="Renew now", url=connect_url, is_urgent=is_urgent))
    return issues


def _retired_issues(ref: TokenRef, connect_url: str, *, action_links: ActionLinks) -> list[Issue]:
    if ref.retired_because == DISCONNECTED:
        message = f"{ref.subject_name} was disconnected here."
        return [Issue(message=message, action="Connect again", url=connect_url)]
    ended = invalidation_of(ref)
    message = f"{ref.subject_name} {ended.happened}."
    then_connect = Issue(message="After that:", action="Connect again", url=connect_url)
    if ended.first == "facebook":
        return [Issue(message=message, action="Open Facebook", url=action_links.facebook_url), then_connect]
    if ended.first == "page":
        page_url = action_links.node("page", ref.subject_id if ref.kind == "page" else "")
        return [Issue(message=message, action="Open the Page's settings", url=page_url), then_connect]
    return [Issue(message=message, action="Connect again", url=connect_url)]


def page_token_issue(ref: TokenRef, *, action_links: ActionLinks) -> Issue:
    """Return the issue of a Page whose own token was retired while its person is still connected."""
    return _retired_issues(ref, action_links.connect(1), action_links=action_links)[0]


def task_issue(link: NodeLink, tasks: Sequence[str], *, action_links: ActionLinks) -> Issue | None:
    """Return the issue of a node whose tasks don't allow reading it; None if they do, or if they are unknown."""
    if not tasks or READING_TASK in tasks or link.kind not in KINDS_BY_NAME:
        return None
    return Issue(
        message=f"{link.name or link.id} can't be read: the task ANALYZE (“View performance”) is missing.",
        action="Give the task", url=action_links.node(link.kind, link.id),
    )


def identity_issue(
    link: NodeLink, tasks: Sequence[str], *, features: Collection[str], is_known: bool, action_links: ActionLinks
) -> Issue | None:
    """Return the issue of an ad account in which ads are created and that has no Instagram account. `is_known`: its
    Instagram accounts were read."""
    if not is_known or link.kind != AD_ACCOUNT.name or "ads_creation" not in features or ADVERTISE not in tasks:
        return None
    if any(relation.get("via") == IDENTITIES.name for relation in link.related):
        return None
    return Issue(
        message=f"{(link.name or link.id)}: {no_identity(link.id)}", action="Assign an Instagram account",
        url=action_links.node(link.kind, link.id), is_urgent=False,
    )


def scope_issue(
    scope: Scope, *, phase: int, action_links: ActionLinks, is_declined: bool = False, lost: Sequence[NodeLink] = ()
) -> Issue:
    """Return the issue of a permission that was not granted: what is not read because of it, and the dialog that
    requests it again. `lost`: nodes that were read with it before."""
    because = f"the permission to {scope.allows} ({scope.name}) {'was declined' if is_declined else 'is missing'}"
    message = (
        f"{counted(lost)} {are(lost)} no longer read, because {because}: {names(lost)}." if lost
        else f"{scope.without[0].upper()}{scope.without[1:]}, because {because}."
    )
    url = action_links.connect(max(phase, scope.phase), asks_again=True)
    return Issue(message=message, action="Ask again", url=url)


def node_scope_issue(
    link: NodeLink, granted: Collection[str], grant: Grant | None, *, phase: int, features: Collection[str],
    action_links: ActionLinks, is_urgent: bool,
) -> Issue | None:
    """Return the issue of a permission that the reports of a node need and its token lacks; None if it has them all.
    The sentence is the same as that of the token itself, so that it is printed once."""
    for scope in missing_scopes(granted, phase, features):
        if link.kind in scope.reads:
            is_declined = grant is not None and scope.name in grant.declined
            issue = scope_issue(scope, phase=phase, action_links=action_links, is_declined=is_declined)
            return dataclasses.replace(issue, is_urgent=is_urgent)
    return None


def access_issues(
    ref: TokenRef,
    grant: Grant | None,
    *,
    missing: Iterable[Scope],
    lost: Sequence[NodeLink],
    unread: Iterable[UnreadEdge],
    phase: int,
    action_links: ActionLinks,
) -> list[Issue]:
    """Return the issues of nodes that can't be read, or can no longer be read, with the cause: a missing permission,
    lost access, or an edge that the last discovery could not read. `lost`: nodes that no token reads now."""
    issues, unexplained, missing = [], list(lost), list(missing)
    for scope in missing:
        affected = [link for link in unexplained if link.kind in scope.kinds]
        unexplained = [link for link in unexplained if link not in affected]
        is_declined = grant is not None and scope.name in grant.declined
        issues.append(
            scope_issue(scope, phase=phase, action_links=action_links, is_declined=is_declined, lost=affected)
        )
    if unexplained:
        message = (
            f"{counted(unexplained)} {are(unexplained)} no longer read, because {ref.subject_name} has lost access: "
            f"{names(unexplained)}."
        )
        url = action_links.node(unexplained[0].kind, unexplained[0].id)
        issues.append(Issue(message=message, action="Give access", url=url))
    explained = {kind for scope in missing for kind in scope.kinds}
    edges = [edge for edge in unread if not (edge.is_refused and set(edge.kinds) <= explained)]
    return [*issues, *unread_issues(ref.id, edges, phase=phase, action_links=action_links)]


def unread_issues(
    ref_id: str, edges: Iterable[UnreadEdge], *, phase: int, action_links: ActionLinks
) -> list[Issue]:
    """Return the issues of the kinds of nodes that the last daily check could not list completely: one for edges that
    Meta refused, one for edges that failed and are retried."""
    edges = list(edges)
    refused = {kind for edge in edges if edge.is_refused for kind in edge.kinds}
    failed = {kind for edge in edges if not edge.is_refused for kind in edge.kinds}
    issues = []
    if refused:
        issues.append(
            Issue(
                message=f"Facebook did not let us list all {plural_kinds(refused)}: those that are not listed are not "
                "collected.",
                action="Ask again", url=action_links.connect(phase, asks_again=True),
            )
        )
    if failed:
        issues.append(
            Issue(
                message=f"Facebook could not list all {plural_kinds(failed)} at the last daily check: new ones are "
                "missing until the next check succeeds; what was connected before is still collected.",
                action="Open the connection", url=action_links.connection(ref_id), is_urgent=False,
            )
        )
    return issues
