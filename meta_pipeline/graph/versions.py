"""Meta's calendar of versions, per surface, as data: until when each version is usable, and what it changes.

Meta may change these dates at any time, so a TOML file (META_PIPELINE_VERSIONS) can add and replace them:

    source = "https://developers.facebook.com/docs/graph-api/changelog/versions, read 2027-02-01"

    [versions."v28.0"]
    released = 2027-02-17
    graph = 2029-06-01          # usable until, exclusive; left out until Meta announces it
    marketing = 2028-03-01
    changes = ["one sentence for each change that matters here"]
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from meta_pipeline.graph.request import Surface
from meta_pipeline.records import ConfigError
from meta_pipeline.settings import read_settings_file

SOURCE = (
    "https://developers.facebook.com/docs/graph-api/changelog/versions and "
    "https://developers.facebook.com/docs/marketing-api/marketing-api-changelog/versions, read 2026-11-27 "
    "(docs/graph-api.md §1.1)"
)
# A version lives 11 to 13 months on the Marketing API (docs/graph-api.md §1.1): after nine, an end that is not
# announced may be days away.
OLD = dt.timedelta(days=274)
WARN_BEFORE = dt.timedelta(days=60)
_NAME = re.compile(r"v\d{1,3}\.\d{1,2}")
_FIELDS = ("released", "graph", "marketing", "changes")


@dataclass(frozen=True, slots=True)
class Version:
    """A version: when it was released, until when each surface accepts it (None: not announced), what it changes."""

    name: str
    released: dt.date | None = None
    graph: dt.date | None = None
    marketing: dt.date | None = None
    changes: tuple[str, ...] = ()

    def usable_until(self, surface: Surface) -> dt.date | None:
        """Return the day on which a surface stops accepting it; None when it is not announced."""
        return self.graph if surface == "graph" else self.marketing


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


BUILT_IN = tuple(
    Version(name, _day(released), _day(graph), _day(marketing), changes)
    for name, released, graph, marketing, changes in (
        ("v21.0", "2024-10-02", "2027-01-21", "2025-09-09", ()),
        ("v22.0", "2025-01-21", "2027-05-20", "2026-02-19", ()),
        ("v23.0", "2025-05-29", "2027-10-08", "2026-06-09", ()),
        ("v24.0", "2025-10-08", "2028-02-18", "2026-11-10", ()),
        ("v25.0", "2026-02-18", "2028-07-29", "2027-02-23", (
            "failed report runs have error_message, error_subcode, error_user_title and error_user_msg",
            "the breakdowns product_group_id and product_set_id_breakdown are removed",
            "Advantage+ shopping and app campaigns can no longer be created",
        )),
        ("v26.0", "2026-07-29", None, None, (
            "Instagram Explore placement and poll creatives are rejected on create",
            "marketing_messages_website_* are removed; instagram_profile_follow, shop_clicks, mmp_credited_install are "
            "new",
            "advantage_audience must be an explicit 0 or 1 for restricted categories",
        )),
        ("v27.0", "2026-11-04", None, None, (
            "new apps can't use multi-ID requests, HTTP method override, field aliases or asynchronous batches",
            "total_video_consumption_rate has no values",
            "sales ad sets that target devices also reach others unless device is 0",
        )),
    )
)


@dataclass(frozen=True)
class Calendar:
    """The known versions, oldest first, and the source of their dates."""

    versions: Mapping[str, Version] = field(default_factory=lambda: {version.name: version for version in BUILT_IN})
    source: str = SOURCE

    def usable_until(self, surface: Surface, version: str) -> dt.date | None:
        """Return the day on which a version ends; None when it is not announced or the version is unknown."""
        entry = self.versions.get(version)
        return entry.usable_until(surface) if entry else None

    def after(self, version: str, *, most: int | None = None) -> list[str]:
        """Return the names of the versions after this one, oldest first, at most `most` of them."""
        later = (name for name in self.versions if version_order(name) > version_order(version))
        return sorted(later, key=version_order)[:most]

    def changes(self, version: str | None) -> tuple[str, ...]:
        """Return the changes of a version, one sentence each."""
        entry = self.versions.get(version or "")
        return entry.changes if entry else ()

    def trouble_with(self, surface: Surface, version: str, *, today: dt.date) -> str | None:
        """Return what is wrong with a pin: unknown, dead, about to end, or old without an announced end."""
        entry = self.versions.get(version)
        if entry is None:
            return f"{version} is unknown for the {surface} surface: {', '.join(self.versions)} are known"
        end = entry.usable_until(surface)
        if end is None:
            if entry.released is None or today - entry.released <= OLD:
                return None
            return (
                f"{version} is older than nine months for the {surface} surface and its end is not announced: look it "
                "up, and name it in the file of META_PIPELINE_VERSIONS or raise the pin"
            )
        if end <= today:
            return f"{version} ended for the {surface} surface on {end}: raise the pin"
        if end - today <= WARN_BEFORE:
            return f"{version} ends for the {surface} surface on {end}: raise the pin before that day"
        return None

    def end_of(self, surface: Surface, version: str) -> str:
        """Return until when a version is usable, in words."""
        end = self.usable_until(surface, version)
        return f"usable until {end}" if end else "its end is not announced"


def version_order(version: str) -> tuple[int, ...]:
    """Return a key that sorts versions (`v9.0` before `v26.0`)."""
    return tuple(map(int, re.findall(r"\d+", version)))


def calendar(path: Path | None) -> Calendar:
    """Return the built-in calendar with the changes of a TOML file. Raise ConfigError for an invalid file."""
    if path is None:
        return Calendar()
    return parsed(read_settings_file(path, "VERSIONS"), source=str(path))


def parsed(text: str, *, source: str) -> Calendar:
    """Return the built-in calendar with the changes of this TOML text; `source` names the file in errors."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"META_PIPELINE_VERSIONS: {source} is not valid TOML: {error}") from error
    if unknown := set(document) - {"source", "versions"}:
        raise _wrong(source, f"has {', '.join(sorted(unknown))}: only source and versions are allowed")
    listed, where = document.get("versions", {}), document.get("source")
    if not isinstance(listed, dict):
        raise _wrong(source, 'versions must be tables such as [versions."v28.0"]')
    if where is not None and not isinstance(where, str):
        raise _wrong(source, "source must be text: where the days were read, and when")
    versions = dict(Calendar().versions)
    for name, facts in listed.items():
        if not _NAME.fullmatch(name):
            raise _wrong(source, f"{name} is not a version: write it as v28.0, in quotation marks")
        if not isinstance(facts, dict):
            raise _wrong(source, f"{name} must be a table")
        versions[name] = _with(versions.get(name, Version(name)), facts, source)
    return Calendar(
        dict(sorted(versions.items(), key=lambda pair: version_order(pair[0]))), f"{where or source}; else {SOURCE}"
    )


def _with(version: Version, facts: Mapping[str, Any], source: str) -> Version:
    if unknown := set(facts) - set(_FIELDS):
        raise _wrong(source, f"{version.name} has {', '.join(sorted(unknown))}: there are {', '.join(_FIELDS)}")
    for name in ("released", "graph", "marketing"):
        value = facts.get(name)
        if value is not None and (not isinstance(value, dt.date) or isinstance(value, dt.datetime)):
            raise _wrong(source, f"{name} of {version.name} must be a day such as 2028-03-01, without quotation marks")
    changes = facts.get("changes", [])
    if not isinstance(changes, list) or not all(isinstance(change, str) for change in changes):
        raise _wrong(source, f"changes of {version.name} must be a list of sentences")
    return Version(
        version.name, facts.get("released", version.released), facts.get("graph", version.graph),
        facts.get("marketing", version.marketing), tuple(facts.get("changes", version.changes)),
    )


def _wrong(source: str, what: str) -> ConfigError:
    return ConfigError(f"META_PIPELINE_VERSIONS: {source}: {what}")
