"""The visitors of pages, and who may see which page."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from meta_pipeline.intake.intake import Intake, Person
from meta_pipeline.records import ConfigError


class Access(enum.Enum):
    """The visitors who may use a route; by default operators. EVERYBODY: the page itself checks a link, a signature or
    the browser, or has nothing to protect."""

    EVERYBODY = "everybody"
    TENANT = "people who see the tenant of the path"
    TENANT_OPERATOR = "people who operate the tenant of the path"
    OPERATOR = "operators"


@dataclass(frozen=True, slots=True)
class Visitor:
    """The sender of a request. `person`: the person who signed in; None for the password, and for a stranger."""

    is_operator: bool = False
    person: Person | None = None

    @property
    def is_signed_in(self) -> bool:
        """Return whether the sender is known."""
        return self.is_operator or self.person is not None

    @property
    def tenants(self) -> tuple[str, ...]:
        """Return the tenants that the intake lets this person see, by name."""
        return tuple(sorted(self.person.sees)) if self.person else ()

    def may(self, access: Access, tenant: str | None) -> bool:
        """Return whether this visitor may use a route. `tenant`: the tenant that its path names."""
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
    """The people of the current intake file. While the file is not valid, the last valid intake applies: a mistake in
    the file neither lets anybody in nor locks everybody out."""

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
