"""Which alerts a token gives, and when: pure, so that a hundred days can be walked in a second.

14, 7, 3 and 1 days before it expires, the same before it loses data access (90 days after the person was last active,
graph-api.md §4.2), and at once when Meta calls it dead. The Page tokens that came through a person speak with one
voice, and only of what their person's own token does not speak of."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from meta_pipeline.display import printable
from meta_pipeline.records import TokenRef
from meta_pipeline.status.token_health import DISCONNECTED, THRESHOLDS, WITH_PARENT, ActionLinks, death_of, in_days

SHOWN = 5  # names of nodes in a text; of the others only how many


@dataclass(frozen=True, slots=True)
class Alert:
    """What must be reported. `key` is the same for the same thing; `token_refs`: the tokens it is about; `url`: where
    to fix it, for somebody who can sign in; `stops`: names of what can't be read then, because no other token could;
    `phase`: what its person is asked for again. Names come from Meta: no control character of theirs is left."""

    key: str
    token_refs: tuple[str, ...]
    subject: str
    detail: str
    url: str
    stops: tuple[str, ...] = ()
    phase: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "subject", printable(self.subject, limit=300))
        object.__setattr__(self, "detail", printable(self.detail, limit=1000))
        object.__setattr__(self, "stops", tuple(printable(name, limit=100) for name in self.stops))

    def about(self, stops: Sequence[str]) -> Alert:
        """The same, knowing what stops."""
        return dataclasses.replace(self, stops=tuple(stops))

    def linking_to(self, url: str) -> Alert:
        """Return the same alert with another link."""
        return dataclasses.replace(self, url=url)

    @property
    def text(self) -> str:
        """All of it, in sentences."""
        return f"{self.subject}. {self.detail} {self.consequence} {self.url}"

    @property
    def consequence(self) -> str:
        """What stops."""
        if not self.stops:
            return "Nothing stops: other tokens read what it read."
        more = f" and {len(self.stops) - SHOWN} more" if len(self.stops) > SHOWN else ""
        return f"Stopped by it: {', '.join(self.stops[:SHOWN])}{more}."


def due(
    refs: Iterable[TokenRef], *, now: dt.datetime, clicks: ActionLinks, phases: Mapping[str, int]
) -> Iterator[Alert]:
    """Everything that has to be known by now; who has been told already is for the caller to know. Of thresholds that
    passed together only the last one counts. `phases`: token ref → what its owner is asked for again."""
    refs = list(refs)
    people = {ref.id: ref for ref in refs if ref.parent_ref is None}
    for ref in people.values():
        whose = f"Token of {ref.subject_name} ({ref.kind.replace('_', ' ')}, {ref.id})"
        yield from _spoken([ref], ref.id, whose, now=now, clicks=clicks, phase=phases.get(ref.id, 1))
    for parent_ref in sorted({ref.parent_ref for ref in refs if ref.parent_ref is not None}):
        parent = people.get(parent_ref)
        is_spoken_for = parent is not None and parent.retired_at is None
        pages = [ref for ref in refs if ref.parent_ref == parent_ref and ref.retired_because != WITH_PARENT]
        groups: dict[tuple[object, ...], list[TokenRef]] = {}
        for page in pages:
            if page.retired_at is not None:  # noticed one by one, within one daily check
                groups.setdefault((page.retired_subcode, page.retired_at.date()), []).append(page)
            elif not is_spoken_for:
                groups.setdefault((page.data_access_expires_at,), []).append(page)
        for group in groups.values():
            name = parent.subject_name if parent is not None else "somebody"
            whose = f"Page token of {group[0].subject_name}, through {name}," if len(group) == 1 else (
                f"Tokens of {len(group)} Pages, through {name},"
            )
            phase = phases.get(parent_ref, 1)
            yield from _spoken(group, f"pages/{parent_ref}", whose, now=now, clicks=clicks, phase=phase)


def _spoken(
    group: Sequence[TokenRef], id: str, whose: str, *, now: dt.datetime, clicks: ActionLinks, phase: int
) -> Iterator[Alert]:
    """What tokens that share a fate have to say."""
    ref, ids, url = group[0], tuple(one.id for one in group), clicks.connect(phase)
    if ref.retired_at is not None:
        if ref.retired_because != DISCONNECTED:
            when = ref.retired_at.isoformat() if len(group) == 1 and ref.parent_ref is None else ref.retired_at.date()
            told = f"Meta: {ref.retired_because}. {ref.subject_name} {death_of(ref).happened}."
            verb = "is" if len(group) == 1 else "are"
            yield Alert(f"dead:{id}:{ref.retired_subcode}:{when}", ids, f"{whose} {verb} dead", told, url, phase=phase)
        return
    for what, until, ends in (
        ("expiry", ref.expires_at, "expires"), ("data_access", ref.data_access_expires_at, "loses data access"),
    ):
        threshold = threshold_of(until, now=now)
        if until is not None and threshold is not None:
            yield Alert(
                f"{what}:{id}:{until:%Y-%m-%d}:{threshold}", ids, f"{whose} {ends} {in_days((until - now).days)}",
                f"It {ends} on {until:%Y-%m-%d %H:%M} UTC; connecting again renews it.", url, phase=phase,
            )


def threshold_of(until: dt.datetime | None, *, now: dt.datetime) -> int | None:
    """The last threshold, in days, that has passed; None before the first, and when the time is over."""
    if until is None or until <= now:
        return None
    left = until - now
    return min((days for days in THRESHOLDS if left <= dt.timedelta(days=days)), default=None)
