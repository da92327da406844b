"""The intake as a whole, and what each person in it may do. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from meta_pipeline.intake.tenants import Tenant

StartWith = Literal["user", "system_user"]


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The Meta app as the intake states it; None where it is not stated."""

    is_live: bool | None = None
    domains: tuple[str, ...] = ()
    redirect_uris: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRules:
    """The agreements about data, in the words of the intake."""

    stored_in: str = ""
    encryption: str = ""
    logging: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person who signs in with a personal link. `is_operator`: may do everything; `operates`: the tenants whose
    invitations they handle; `views`: the tenants whose page and file they see."""

    email: str
    is_operator: bool = False
    operates: frozenset[str] = frozenset()
    views: frozenset[str] = frozenset()

    @property
    def sees(self) -> frozenset[str]:
        """Return the tenants whose page and file this person sees."""
        return self.views | self.operates


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Everything that the file states. `business`: our business, `name`: our name for customers; `is_business_admin`:
    we administer our business; `start_with`: whose token is used first; `scopes`: those to request in App Review."""

    business: str | None = None
    name: str = ""
    is_business_admin: bool | None = None
    start_with: StartWith | None = None
    scopes: tuple[str, ...] = ()
    app: App = field(default_factory=App)
    data: DataRules = field(default_factory=DataRules)
    operators: frozenset[str] = frozenset()
    tenants: tuple[Tenant, ...] = ()

    @property
    def display_name(self) -> str:
        """Return our name for customers."""
        return self.name or "The operator of this pipeline"

    @property
    def has_people(self) -> bool:
        """Return whether the intake names people who may sign in."""
        return any(True for _ in self.people())

    def tenant(self, name: str) -> Tenant | None:
        """Return a tenant by its name."""
        return next((tenant for tenant in self.tenants if tenant.name == name), None)

    def person(self, email: str) -> Person | None:
        """Return what a person may do; None for an address that the intake does not name."""
        address = normalized(email)
        person = Person(
            email=address, is_operator=address in self.operators,
            operates=frozenset(tenant.name for tenant in self.tenants if address in tenant.operators),
            views=frozenset(tenant.name for tenant in self.tenants if address in tenant.viewers),
        )
        return person if person.is_operator or person.sees else None

    def people(self) -> Iterator[Person]:
        """Yield everybody who may sign in, by address."""
        addresses = set(self.operators)
        for tenant in self.tenants:
            addresses |= tenant.viewers | tenant.operators
        for address in sorted(addresses):
            if (person := self.person(address)) is not None:
                yield person


def normalized(email: str) -> str:
    """Return an address in lower case and without outer spaces, for comparison: people write capitals."""
    return email.strip().casefold()
