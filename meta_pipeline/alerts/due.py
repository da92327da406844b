"""Compute the alerts that are due for a token. Pure, so that a test can go through a hundred days in a second.

An alert is due 14, 7, 3 and 1 days before a token expires, the same before it loses data access (90 days after the
person was last active, docs/graph-api.md §4.2), and at once when Meta calls it invalid or when it has lost a permission
that was granted. The Page tokens that came through a person are reported together, and only if the alert about the
person's own token does not cover them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from meta_pipeline.consent.scopes import scopes_by_name
from meta_pipeline.display import printable
from meta_pipeline.records import Grant, TokenRef
from meta_pipeline.status.action_links import ActionLinks
from meta_pipeline.status.token_health import DISCONNECTED, THRESHOLDS, WITH_PARENT, in_days, invalidation_of

MOST_NAMES = 5  # of nodes in a text; of the others only the count


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A problem that is reported. `key` identifies it, so that it is delivered once; `url`: where to fix it, for
    somebody who can sign in, and `action`, what to do there; `effect`: what it means for readers.

    For a problem of tokens: `token_refs`, the tokens it is about; `stops`, names of the nodes that no other token can
    read, which are its effect; `phase`, the phase of the consent to request again; `kinds`, the kinds of the nodes that
    are affected, () for all of the tokens. Names come from Meta, so control characters are removed."""

    key: str
    subject: str
    detail: str
    url: str
    action: str = "Connect again"
    effect: str | None = None
    token_refs: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    phase: int = 1
    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "subject", printable(self.subject, limit=300))
        object.__setattr__(self, "detail", printable(self.detail, limit=1000))
        object.__setattr__(self, "stops", tuple(printable(name, limit=100) for name in self.stops))

    def about(self, stops: Sequence[str]) -> Alert:
        """Return the same alert with the names of the nodes that are no longer read."""
        return dataclasses.replace(self, stops=tuple(stops))

    def linking_to(self, url: str) -> Alert:
        """Return the same alert with another link."""
        return dataclasses.replace(self, url=url)

    @property
    def text(self) -> str:
        """Return the whole alert, in sentences."""
        return f"{self.subject}. {self.detail} {self.consequence} {self.url}"

    @property
    def consequence(self) -> str:
        """Return a sentence about the effect for readers, or about the nodes that are no longer read."""
        if self.effect is not None:
            return self.effect
        if not self.stops:
            return "Nothing stops: other tokens read what it read."
        more = f" and {len(self.stops) - MOST_NAMES} more" if len(self.stops) > MOST_NAMES else ""
        return f"Stopped by it: {', '.join(self.stops[:MOST_NAMES])}{more}."


def due(
    refs: Iterable[TokenRef],
    *,
    now: dt.datetime,
    action_links: ActionLinks,
    phases: Mapping[str, int],
    grants: Mapping[str, Grant],
) -> Iterator[Alert]:
    """Yield every alert that is due by `now`, delivered before or not. Of several thresholds that have passed, only
    the last counts. By token ref: `phases`, of the consent to request again, and `grants`, of the latest consent."""
    refs = list(refs)
    owners = {ref.id: ref for ref in refs if ref.parent_ref is None}
    for ref in owners.values():
        tokens = f"Token of {ref.subject_name} ({ref.kind.replace('_', ' ')}, {ref.id})"
        yield from _group_alerts(
            [ref], ref.id, tokens, now=now, action_links=action_links, phase=phases.get(ref.id, 1)
        )
        if (grant := grants.get(ref.id)) is not None and ref.retired_at is None:
            pages = [page for page in refs if page.parent_ref == ref.id and page.retired_at is None]
            yield from _scope_alerts(ref, pages, grant, tokens, action_links=action_links, phase=phases.get(ref.id, 1))
    for owner_ref in sorted({ref.parent_ref for ref in refs if ref.parent_ref is not None}):
        owner = owners.get(owner_ref)
        pages = [ref for ref in refs if ref.parent_ref == owner_ref and ref.retired_because != WITH_PARENT]
        owner_name = owner.subject_name if owner is not None else "somebody"
        for group in _page_groups(pages, is_owner_in_use=owner is not None and owner.retired_at is None):
            tokens = f"Page token of {group[0].subject_name}, through {owner_name}," if len(group) == 1 else (
                f"Tokens of {len(group)} Pages, through {owner_name},"
            )
            yield from _group_alerts(
                group, f"pages/{owner_ref}", tokens, now=now, action_links=action_links,
                phase=phases.get(owner_ref, 1),
            )


def _page_groups(pages: Iterable[TokenRef], *, is_owner_in_use: bool) -> Iterable[list[TokenRef]]:
    """Return the Page tokens of one owner that are reported together: those that one daily check found invalid for the
    same reason, and those that end together. While the owner's token is in use, its own alert covers the latter."""
    groups: dict[tuple[object, ...], list[TokenRef]] = {}
    for page in pages:
        if page.retired_at is not None:
            groups.setdefault((page.retired_subcode, page.retired_at.date()), []).append(page)
        elif not is_owner_in_use:
            groups.setdefault((page.data_access_expires_at,), []).append(page)
    return groups.values()


def _scope_alerts(
    owner: TokenRef, pages: Sequence[TokenRef], grant: Grant, tokens: str, *, action_links: ActionLinks, phase: int
) -> Iterator[Alert]:
    """Yield an alert for each permission that was granted and that a token no longer has, once per consent: one for a
    person's token, which covers the Page tokens through it, or one for each Page token."""
    for scope in scopes_by_name(grant.granted):
        lacking = [owner] if scope.name not in owner.scopes else [
            page for page in pages if scope.reads and scope.name not in page.scopes
        ]
        for ref in lacking:
            of = tokens if ref is owner else f"Page token of {ref.subject_name}, through {owner.subject_name},"
            yield Alert(
                key=f"scope:{ref.id}:{scope.name}:{grant.granted_at:%Y-%m-%d}", token_refs=(ref.id,),
                subject=f"{of} has lost the permission {scope.name}",
                detail=f"{scope.without[0].upper()}{scope.without[1:]}, because the permission to {scope.allows} is "
                "gone. Connecting again and granting it brings it back.",
                url=action_links.connect(max(phase, scope.phase), asks_again=True), phase=max(phase, scope.phase),
                kinds=scope.reads or scope.kinds,
            )


def _group_alerts(
    group: Sequence[TokenRef], id: str, tokens: str, *, now: dt.datetime, action_links: ActionLinks, phase: int
) -> Iterator[Alert]:
    """Yield the alerts of tokens that ended, or end, together. `tokens` names them at the start of a sentence."""
    ref, refs, url = group[0], tuple(ref.id for ref in group), action_links.connect(phase)
    if ref.retired_at is not None:
        if ref.retired_because != DISCONNECTED:
            at = ref.retired_at.isoformat() if len(group) == 1 and ref.parent_ref is None else ref.retired_at.date()
            yield Alert(
                key=f"dead:{id}:{ref.retired_subcode}:{at}", token_refs=refs,
                subject=f"{tokens} {'is' if len(group) == 1 else 'are'} dead",
                detail=f"Meta: {ref.retired_because}. {ref.subject_name} {invalidation_of(ref).happened}.",
                url=url, phase=phase,
            )
        return
    for name, until, ends in (
        ("expiry", ref.expires_at, "expires"), ("data_access", ref.data_access_expires_at, "loses data access"),
    ):
        threshold = threshold_of(until, now=now)
        if until is not None and threshold is not None:
            yield Alert(
                key=f"{name}:{id}:{until:%Y-%m-%d}:{threshold}", token_refs=refs,
                subject=f"{tokens} {ends} {in_days((until - now).days)}",
                detail=f"It {ends} on {until:%Y-%m-%d %H:%M} UTC; connecting again renews it.", url=url, phase=phase,
            )


def threshold_of(until: dt.datetime | None, *, now: dt.datetime) -> int | None:
    """Return the last threshold, in days, that has passed; None before the first one and after the end."""
    if until is None or until <= now:
        return None
    left = until - now
    return min((days for days in THRESHOLDS if left <= dt.timedelta(days=days)), default=None)
