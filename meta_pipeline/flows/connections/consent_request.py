"""The scopes that the login dialog requests: enough for the phase, and never less than was granted before."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.consent.scopes import Scope, enabled_scopes, phase_of, scopes_by_name
from meta_pipeline.store.connections import grants


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """The permissions that a dialog requests, in the order of `SCOPES`, and their phase. `asks_again`: the dialog also
    shows permissions that were declined or revoked before."""

    phase: int
    scopes: tuple[Scope, ...]
    asks_again: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Return the permission strings."""
        return tuple(scope.name for scope in self.scopes)


def consent_request(
    phase: int,
    *,
    engine: sa.Engine,
    features: Collection[str] = (),
    subject_id: str | None = None,
    asks_again: bool = False,
) -> ConsentRequest:
    """Return what to request. The token of a new consent replaces the person's earlier token, so the request includes
    every scope that is still enabled and that `subject_id` granted before (or anybody, if it is not known yet who will
    answer the dialog)."""
    people = [person for person in grants.people(engine) if subject_id in (None, person.subject_id)]
    ever_granted = {name for person in people for name in person.ever_granted}
    scopes = tuple(dict.fromkeys([*enabled_scopes(phase, features), *scopes_by_name(ever_granted, features)]))
    names = {scope.name for scope in scopes}
    # Without `asks_again`, Meta omits from the dialog what was declined or revoked.
    has_all = any(person.is_connected and names <= set(person.granted) for person in people)
    return ConsentRequest(max(phase, phase_of(names)), scopes, asks_again or not has_all)
