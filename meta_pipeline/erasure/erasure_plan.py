"""The plan of an erasure, as a record, and the plan for a person who wrote to a Page. Pure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from meta_pipeline.erasure.mentions import Mentions
from meta_pipeline.intake.tenants import Node
from meta_pipeline.records import ConfigError
from meta_pipeline.sealed.people import identifiers_of
from meta_pipeline.store.leaving.erasures import SubjectKind

# The words before the name of a tenant in the address of a page, a label of Dagster and a path.
_PLACES_OF_TENANTS = ("tenants", "tenant", "published")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasurePlan:
    """Everything that is erased. `people`: ids of people; `refs`: of tokens; `nodes`: kind by id; `owners`: the
    businesses that own these, by node; `shared`: nodes that the subject reaches and that stay, because others have
    access to them; `tenant`: the tenant whose published file is removed; `members`: addresses of people who sign in
    only for this tenant; `pictures`: thumbnails that only these nodes have; `identifiers`: of a person who wrote to a
    Page; `records`: the ids of that person's leads and messages."""

    kind: SubjectKind
    people: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    nodes: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    businesses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    tenant: str | None = None
    members: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    records: tuple[str, ...] = ()

    @property
    def mentions(self) -> Mentions:
        """Return the words to search for. A tenant's name may be any word: it is searched for only after a prefix."""
        places = tuple(f"{place}/{self.tenant}" for place in _PLACES_OF_TENANTS) if self.tenant else ()
        ids = (*self.people, *self.refs, *self.nodes, *self.businesses)
        return Mentions(ids, (*self.names, *self.members, *places))

    @property
    def of_people(self) -> Mentions:
        """Return only the ids of people, which rows of nodes that stay may contain."""
        return Mentions(self.people)

    @property
    def node_list(self) -> list[Node]:
        """Return the nodes as published files identify them."""
        return [Node(kind, id, self.owners.get(id)) for id, kind in self.nodes.items()]

    def to_json(self) -> str:
        """Return the plan as JSON, which the vault seals."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ErasurePlan:
        """Return the plan that `to_json` wrote."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(text).items()
        }
        return cls(**values)


def plan_of_contact(subject: str) -> ErasurePlan:
    """Return the plan for a person who wrote to a Page, by an e-mail address, a phone number or an @name. Their records
    are added to it later."""
    identifiers = identifiers_of(subject)
    if not identifiers:
        raise ConfigError(
            "this is not an e-mail address, a phone number or an @name on Instagram: write a number with its country "
            "code"
        )
    return ErasurePlan(kind="contact", identifiers=tuple(sorted(identifiers)), names=(subject.strip(),))
