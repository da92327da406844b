"""The visitors of pages, and for whom each page is."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from meta_pipeline.intake.intake import Intake, Person
from meta_pipeline.records import ConfigError


class Access(enum.Enum):
    """For whom a route is. A route that says nothing is for operators. EVERYBODY: the page itself looks at a link, a
    signature or the browser, or has nothing to protect."""

    EVERYBODY = "everybody"
    TENANT = "people who see the tenant of the path"
    TENANT_OPERATOR = "people who operate the tenant of the path"
    OPERATOR = "operators"


@dataclass(frozen=True, slots=True)
class Visitor:
    """The sender of a request. `person`: who signed in as themselves; None for the password, and for a stranger."""

    is_operator: bool = False
    person: Person | None = None

    @property
    def is_signed_in(self) -> bool:
        """Return whether it is anybody whom we know."""
        return self.is_operator or self.person is not None

    @property
    def tenants(self) -> tuple[str, ...]:
        """Return the tenants that the intake lets this person see, by name."""
        return tuple(sorted(self.person.sees)) if self.person else ()

    def may(self, access: Access, tenant: str | None) -> bool:
        """Return whether a route is for this visitor; `tenant` is the one that its path names."""
        match access:
            case Access.EVERYBODY:
                return True
            case Access.TENANT:
                return self.is_operator or tenant in self.tenants
            case Access.TENANT_OPERATOR:
                return self.is_operator or (self.person is not None and tenant in self.person.operates)
        return self.is_operator


STRANGER = Visitor()


@dataclass
class People:
    """The people of the intake as its file is now. While the file is not valid, those of the last valid one: a slip in
    it neither lets anybody in nor locks everybody out."""

    load: Callable[[], Intake]
    _last: Intake = field(default_factory=Intake)

    def __post_init__(self) -> None:
        self._last = self.load()

    def current(self) -> Intake:
        """Return the intake that applies."""
        try:
            self._last = self.load()
        except ConfigError:
            return self._last
        return self._last
