"""The customers whose nodes are published apart, from the TOML file of the operator.

    business = "1234567890"           # ours

    [tenants.northwind]
    businesses = ["501"]              # every node that these businesses own
    nodes = ["act_1000000001"]        # and these

A tenant that names neither has every node; then it must be the only one."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pydantic

from meta_pipeline.records import ConfigError
from meta_pipeline.settings import read_settings_file

MOST_TENANTS = 1_000
_MOST_NAMES = 10_000
_LONGEST_FILE = 4_000_000
# A folder of this name on every file system. `thumbnails` lies beside the complete file.
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_RESERVED = frozenset({"thumbnails", "con", "prn", "aux", "nul"})

_Id = Annotated[str, pydantic.Field(pattern=r"^(act_)?[0-9]{1,40}$")]
_Ids = Annotated[list[_Id], pydantic.Field(max_length=_MOST_NAMES)]


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True)


class _Table(_Strict):
    businesses: _Ids = []
    nodes: _Ids = []


class _Document(_Strict):
    business: _Id | None = None
    tenants: Annotated[dict[str, _Table], pydantic.Field(max_length=MOST_TENANTS)] = {}


@dataclass(frozen=True, slots=True)
class Node:
    """A linked node: its kind, its id as Graph writes it, and the business that owns it, if that is known."""

    kind: str
    id: str
    owner_business: str | None = None


@dataclass(frozen=True, slots=True)
class Tenant:
    """A customer whose nodes are published in a file of its own."""

    name: str
    businesses: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()

    @property
    def has_every_node(self) -> bool:
        return not (self.businesses or self.nodes)

    def nodes_among(self, linked: Iterable[Node]) -> list[Node]:
        """Return the linked nodes that are this tenant's."""
        return [
            node for node in linked
            if self.has_every_node or node.id in self.nodes or node.owner_business in self.businesses
        ]


def load_tenants(path: Path | None) -> tuple[Tenant, ...]:
    """Return the tenants of the settings' file, none without a file; ConfigError for one that is not valid."""
    if path is None:
        return ()
    return parse_tenants(read_settings_file(path, "TENANTS"), source=str(path))


def parse_tenants(text: str, *, source: str) -> tuple[Tenant, ...]:
    """Return the tenants of this TOML text, by name. Raise ConfigError, which names `source`, when it is not valid."""
    if len(text) > _LONGEST_FILE:
        raise ConfigError(f"{source} is longer than {_LONGEST_FILE} characters")
    try:
        document = _Document.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source} is not valid TOML: {error}") from error
    except pydantic.ValidationError as error:
        raise ConfigError(f"{source}: {_sentence(error)}") from error
    for name, table in document.tenants.items():
        _check(name, table, document.tenants, source)
    return tuple(
        Tenant(name, frozenset(table.businesses), frozenset(table.nodes))
        for name, table in sorted(document.tenants.items())
    )


def _check(name: str, table: _Table, tables: Mapping[str, _Table], source: str) -> None:
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise ConfigError(
            f"{source}: tenant {name[:80]!r}: a name becomes a folder: use 63 lower-case letters, digits, _ and - at "
            f"most, and none of {', '.join(sorted(_RESERVED))}"
        )
    if not (table.businesses or table.nodes) and len(tables) > 1:
        raise ConfigError(
            f"{source}: tenant {name}: name its businesses or its nodes: only a sole tenant has all nodes"
        )


def _sentence(error: pydantic.ValidationError) -> str:
    """Return the first error: where it is and what is wrong there."""
    first: Any = error.errors(include_url=False)[0]
    place = ".".join(str(part)[:80] for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{place}: there is no such key; a tenant has businesses and nodes"
    if first["type"] in ("string_type", "string_pattern_mismatch"):
        return f'{place}: must be an id in quotation marks, such as "act_1234567890" or "1234567890"'
    return f"{place}: {first['msg']}"


def warnings_about(tenants: Iterable[Tenant], linked: Iterable[Node]) -> list[str]:
    """Return a sentence for each id of the file that no link has, and for each node that two tenants have."""
    linked = list(linked)
    ids = {node.id for node in linked}
    owners = {node.owner_business for node in linked if node.owner_business is not None}
    sentences: list[str] = []
    holders: dict[str, list[str]] = {}
    for tenant in tenants:
        sentences += [
            f"tenant {tenant.name}: no linked node has the id {id}; `meta-pipeline links` lists them"
            for id in sorted(tenant.nodes - ids)
        ]
        sentences += [
            f"tenant {tenant.name}: business {id} owns no linked node; name its nodes one by one if Meta does not say "
            "who owns them"
            for id in sorted(tenant.businesses - owners)
        ]
        for node in tenant.nodes_among(linked):
            holders.setdefault(node.id, []).append(tenant.name)
    sentences += [f"{id} is in several tenants: {', '.join(names)}" for id, names in holders.items() if len(names) > 1]
    return sentences
