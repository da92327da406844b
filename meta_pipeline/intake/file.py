"""Parse and check the TOML file of the intake (META_PIPELINE_TENANTS). An error names the first mistake only.

    business = "1234567890"           # ours

    [tenants.northwind]
    businesses = ["501"]              # every node that these businesses own
    nodes = ["act_1000000001"]        # and these

Everything else is optional; `meta-pipeline intake new` writes all of it with comments. A tenant that names neither
businesses nor nodes has every node, and must be the only tenant."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pydantic

from meta_pipeline.intake.intake import App, DataRules, Intake, StartWith, normalized
from meta_pipeline.intake.tenants import Contact, ShareDirection, Tenant
from meta_pipeline.records import ConfigError
from meta_pipeline.settings import read_settings_file

MOST_TENANTS = 1_000
_MOST_NAMES = 10_000
_LONGEST_FILE = 4_000_000
# Names that can be a folder on every file system. `thumbnails` is a folder beside the published file.
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_RESERVED = frozenset({"thumbnails", "con", "prn", "aux", "nul"})
# The key of the list that names the nodes of each kind.
KEYS_BY_KIND = {
    "ad_account": "ad_accounts", "page": "pages", "instagram_account": "instagram_accounts", "pixel": "pixels",
    "catalog": "catalogs",
}

_Id = Annotated[str, pydantic.Field(pattern=r"^(act_)?[0-9]{1,40}$")]
_Ids = Annotated[list[_Id], pydantic.Field(max_length=_MOST_NAMES)]
_Account = Annotated[str, pydantic.Field(pattern=r"^act_[0-9]{1,40}$")]
_Digits = Annotated[str, pydantic.Field(pattern=r"^[0-9]{1,40}$")]
_ADDRESS = r"^[^@\s<>\"',;:\\()\[\]]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,8}$"
_Email = Annotated[str, pydantic.Field(pattern=_ADDRESS)]
_Emails = Annotated[list[_Email], pydantic.Field(max_length=1_000)]
_Text = Annotated[str, pydantic.Field(max_length=500)]
_Word = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z_]{1,60}$")]
_Words = Annotated[list[_Word], pydantic.Field(max_length=100)]
_Days = Annotated[int, pydantic.Field(ge=0, le=36_500)]


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True)


class _Contact(_Strict):
    name: _Text = ""
    email: _Email | None = None


class _Tenant(_Strict):
    name: _Text = ""
    businesses: _Ids = []
    nodes: _Ids = []
    ad_accounts: Annotated[list[_Account], pydantic.Field(max_length=_MOST_NAMES)] = []
    pages: Annotated[list[_Digits], pydantic.Field(max_length=_MOST_NAMES)] = []
    instagram_accounts: Annotated[list[_Digits], pydantic.Field(max_length=_MOST_NAMES)] = []
    pixels: Annotated[list[_Digits], pydantic.Field(max_length=_MOST_NAMES)] = []
    catalogs: Annotated[list[_Digits], pydantic.Field(max_length=_MOST_NAMES)] = []
    uses_conversions_api: bool | None = None
    shares: ShareDirection | None = None
    tasks: Annotated[dict[str, _Words], pydantic.Field(max_length=10)] = {}
    viewers: _Emails = []
    operators: _Emails = []
    lead_viewers: _Emails = []
    contacts: Annotated[dict[_Digits, _Contact], pydantic.Field(max_length=1_000)] = {}
    retention_floor_days: _Days | None = None
    retention_ceiling_days: _Days | None = None


class _App(_Strict):
    is_live: bool | None = None
    domains: Annotated[list[_Text], pydantic.Field(max_length=100)] = []
    redirect_uris: Annotated[list[_Text], pydantic.Field(max_length=100)] = []


class _Data(_Strict):
    stored_in: _Text = ""
    encryption: _Text = ""
    logging: _Text = ""


class _Document(_Strict):
    business: _Id | None = None
    name: _Text = ""
    is_business_admin: bool | None = None
    start_with: StartWith | None = None
    scopes: _Words = []
    operators: _Emails = []
    app: _App = _App()
    data: _Data = _Data()
    tenants: Annotated[dict[str, _Tenant], pydantic.Field(max_length=MOST_TENANTS)] = {}


def load_intake(path: Path | None) -> Intake:
    """Return the intake in this file, or an empty one without a path. Raise ConfigError when it is not valid. A changed
    file is read again, so a server accepts a new person without a restart."""
    if path is None:
        return Intake()
    try:
        stat = path.stat()
    except OSError:
        return parse_intake(read_settings_file(path, "TENANTS"), source=str(path))
    return _read(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=4)
def _read(path: Path, changed_ns: int, size: int) -> Intake:
    return parse_intake(read_settings_file(path, "TENANTS"), source=str(path))


def parse_intake(text: str, *, source: str) -> Intake:
    """Return the intake of this TOML text. Raise ConfigError, which names `source`, when it is not valid."""
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
    return Intake(
        business=document.business, name=document.name, is_business_admin=document.is_business_admin,
        start_with=document.start_with, scopes=tuple(document.scopes),
        app=App(
            is_live=document.app.is_live, domains=tuple(document.app.domains),
            redirect_uris=tuple(document.app.redirect_uris),
        ),
        data=DataRules(**document.data.model_dump()), operators=_addresses(document.operators),
        tenants=tuple(_tenant(name, table) for name, table in sorted(document.tenants.items())),
    )


def _tenant(name: str, table: _Tenant) -> Tenant:
    kinds = {id: kind for kind, key in KEYS_BY_KIND.items() for id in getattr(table, key)}
    contacts = (
        Contact(business=business, name=contact.name, email=normalized(contact.email or ""))
        for business, contact in sorted(table.contacts.items())
    )
    return Tenant(
        name, frozenset(table.businesses), frozenset(table.nodes) | frozenset(kinds), kinds=kinds,
        title=table.name, contacts=tuple(contacts), shares=table.shares,
        tasks={kind: tuple(tasks) for kind, tasks in table.tasks.items()},
        uses_conversions_api=table.uses_conversions_api, viewers=_addresses(table.viewers),
        operators=_addresses(table.operators), lead_viewers=_addresses(table.lead_viewers),
        retention_floor_days=table.retention_floor_days,
        retention_ceiling_days=table.retention_ceiling_days,
    )


def _addresses(emails: list[str]) -> frozenset[str]:
    return frozenset(normalized(email) for email in emails)


def _check(name: str, table: _Tenant, tables: Mapping[str, _Tenant], source: str) -> None:
    place = f"{source}: tenant {name[:80]!r}"
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise ConfigError(
            f"{place}: a name becomes a folder: use at most 63 lower-case letters, digits, _ and -, and none of "
            f"{', '.join(sorted(_RESERVED))}"
        )
    place = f"{source}: tenant {name}"
    has_nodes = table.businesses or table.nodes or any(getattr(table, key) for key in KEYS_BY_KIND.values())
    if not has_nodes and len(tables) > 1:
        raise ConfigError(f"{place}: name its businesses or its nodes: only a single tenant may have all nodes")
    if strange := sorted(set(table.tasks) - set(KEYS_BY_KIND)):
        raise ConfigError(f"{place}: tasks: there is no kind {strange[0]!r}: there are {', '.join(KEYS_BY_KIND)}")
    if strange := sorted(set(table.contacts) - set(table.businesses)):
        raise ConfigError(f"{place}: contacts: {strange[0]} is not one of its businesses")
    others = _addresses(table.lead_viewers) - _addresses(table.viewers) - _addresses(table.operators)
    if others:
        raise ConfigError(f"{place}: lead_viewers: {min(others)} is not one of its viewers or operators")
    floor, ceiling = table.retention_floor_days, table.retention_ceiling_days
    if floor is not None and ceiling is not None and floor > ceiling:
        raise ConfigError(
            f"{place}: retention_floor_days ({floor}) is more than retention_ceiling_days ({ceiling}): data can't be "
            "kept longer than it may be"
        )


_MORE_KEYS = sorted(set(_Tenant.model_fields) - {"businesses", "nodes"})
_TABLES: dict[str, type[_Strict]] = {"app": _App, "data": _Data}


def _sentence(error: pydantic.ValidationError) -> str:
    """Return the first error: where it is and what is wrong there."""
    first: Any = error.errors(include_url=False)[0]
    parts = [str(part)[:80] for part in first["loc"]]
    place = ".".join(parts)
    if first["type"] == "extra_forbidden":
        return f"{place}: there is no such key; {_describe_keys(parts)}"
    if first["type"] in ("string_type", "string_pattern_mismatch"):
        return f"{place}: must be {_expected(parts)}"
    return f"{place}: {first['msg']}"


def _describe_keys(parts: list[str]) -> str:
    """Return the keys that are allowed where an unknown one was found."""
    if len(parts) < 2:
        return f"the file has {', '.join(_Document.model_fields)}"
    if "contacts" in parts:
        return f"a contact has {', '.join(_Contact.model_fields)}"
    if parts[0] == "tenants":
        return f"a tenant has businesses and nodes, and {', '.join(_MORE_KEYS)}"
    return f"{parts[0]} has {', '.join(_TABLES[parts[0]].model_fields)}"


def _expected(parts: list[str]) -> str:
    """Return a description of the text that is valid at this place."""
    if any(part in ("viewers", "operators", "lead_viewers", "email") for part in parts):
        return 'an e-mail address in quotation marks, such as "ann@example.com"'
    if any(part in ("tasks", "scopes") for part in parts):
        return 'names in quotation marks, such as ["ANALYZE"]'
    if any(part in ("businesses", "nodes", "business", "ad_accounts") for part in parts):
        return 'an id in quotation marks, such as "act_1234567890" or "1234567890"'
    if any(part in (*KEYS_BY_KIND.values(), "contacts") for part in parts):
        return 'an id in quotation marks, such as "1234567890"'
    return "a text in quotation marks"
