"""The spec of a Reels ad: a TOML file of limited size. Every error is one sentence that names its key."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from meta_pipeline.records import ConfigError

LARGEST_SPEC = 64 * 1024
_LONGEST_TEXT, _LONGEST_NAME, _MOST_WORDS = 2_200, 200, 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A Reels ad that is to be created. Exactly one of `video`, `object_story_id` and `source_instagram_media_id` is
    set. `daily_budget` is in the account's currency; `features`: whether Meta may use each creative feature;
    `text`: the content of the file, from which the plan's digest is computed."""

    name: str
    account: str
    page: str
    instagram: str | None
    objective: str
    special_ad_categories: tuple[str, ...]
    daily_budget: Decimal
    optimization_goal: str
    billing_event: str
    bid_strategy: str
    start_time: dt.datetime | None
    end_time: dt.datetime | None
    countries: tuple[str, ...]
    age_min: int | None
    age_max: int | None
    instagram_positions: tuple[str, ...]
    facebook_positions: tuple[str, ...]
    advantage_audience: bool
    video: Path | None
    object_story_id: str | None
    source_instagram_media_id: str | None
    title: str | None
    message: str | None
    link: str | None
    call_to_action: str | None
    thumbnail_url: str | None
    is_ai_generated: bool | None
    features: Mapping[str, bool] = field(default_factory=dict)
    text: str = field(default="", repr=False)


def read_spec(path: Path) -> Spec:
    """Return the spec in a file; a video's path is relative to it. Raise ConfigError, which names the wrong key."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_SPEC + 1)
    except OSError as error:
        raise ConfigError(f"the spec {path.name[:100]} can't be read: {error.strerror or 'no file'}") from None
    if len(content) > LARGEST_SPEC:
        raise ConfigError(f"the spec {path.name[:100]} is larger than {LARGEST_SPEC // 1024} KiB")
    return parse_spec(content, folder=path.resolve().parent)


def parse_spec(content: bytes, *, folder: Path) -> Spec:
    """Return the spec in a TOML text; see `read_spec`."""
    try:
        text = content.decode()
        data = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, InvalidOperation, RecursionError) as error:
        raise ConfigError(f"the spec is not valid TOML: {str(error)[:200]}") from None
    top = _Table(data, "", {"name", "account", "page", "instagram", "campaign", "ad_set", "creative"})
    campaign = top.table("campaign", {"objective", "special_ad_categories"})
    ad_set = top.table("ad_set", {
        "daily_budget", "optimization_goal", "billing_event", "bid_strategy", "start_time", "end_time", "countries",
        "age_min", "age_max", "instagram_positions", "facebook_positions", "advantage_audience",
    })
    creative = top.table("creative", {
        "video", "object_story_id", "source_instagram_media_id", "title", "message", "link", "call_to_action",
        "thumbnail_url", "is_ai_generated", "features",
    })
    video = creative.text("video", longest=1_000)
    if video is not None and "\0" in video:
        raise ConfigError("creative.video of the spec is not a path")
    return Spec(
        name=top.required("name", longest=_LONGEST_NAME), account=top.id("account", prefix="act_") or "",
        page=top.id("page") or "", instagram=top.id("instagram", is_required=False),
        objective=campaign.required("objective"), special_ad_categories=campaign.words("special_ad_categories", None),
        daily_budget=ad_set.money("daily_budget"), optimization_goal=ad_set.required("optimization_goal"),
        billing_event=ad_set.text("billing_event") or "IMPRESSIONS",
        bid_strategy=ad_set.text("bid_strategy") or "LOWEST_COST_WITHOUT_CAP",
        start_time=ad_set.time("start_time"), end_time=ad_set.time("end_time"),
        countries=ad_set.words("countries", None), age_min=ad_set.number("age_min"), age_max=ad_set.number("age_max"),
        instagram_positions=ad_set.words("instagram_positions", ("reels",)),
        facebook_positions=ad_set.words("facebook_positions", ("facebook_reels",)),
        advantage_audience=bool(ad_set.flag("advantage_audience")),
        video=folder / video if video is not None else None,
        object_story_id=creative.text("object_story_id"),
        source_instagram_media_id=creative.id("source_instagram_media_id", is_required=False),
        title=creative.text("title"), message=creative.text("message", longest=_LONGEST_TEXT),
        link=creative.url("link"), call_to_action=creative.text("call_to_action"),
        thumbnail_url=creative.url("thumbnail_url"), is_ai_generated=creative.flag("is_ai_generated"),
        features=creative.flags("features"), text=text,
    )


class _Table:
    """A table of the spec, whose values are read with their types checked."""

    def __init__(self, data: Any, name: str, keys: set[str] | None) -> None:
        if not isinstance(data, dict):
            raise ConfigError(f"[{name}] of the spec is missing or not a table")
        self._data, self._prefix = data, f"{name}." if name else ""
        if keys is not None and (unknown := sorted(set(data) - keys)):
            raise ConfigError(f"the spec has an unknown key {self._prefix}{unknown[0][:50]!r}")

    def table(self, name: str, keys: set[str] | None) -> _Table:
        return _Table(self._data.get(name), self._prefix + name, keys)

    def text(self, name: str, *, longest: int = 255) -> str | None:
        value = self._data.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip() or len(value) > longest:
            raise self._wrong(name, f"a text of at most {longest} characters")
        return value

    def required(self, name: str, *, longest: int = 255) -> str:
        if (value := self.text(name, longest=longest)) is None:
            raise ConfigError(f"{self._prefix}{name} of the spec is missing")
        return value

    def id(self, name: str, *, prefix: str = "", is_required: bool = True) -> str | None:
        value = self.required(name) if is_required else self.text(name)
        digits = (value or "").removeprefix(prefix)
        if value is not None and not (
            value.startswith(prefix) and digits.isascii() and digits.isdigit() and len(digits) <= 30
        ):
            raise self._wrong(name, f"an id such as \"{prefix}1234\"")
        return value

    def url(self, name: str) -> str | None:
        value = self.text(name, longest=2_000)
        if value is not None and (not value.startswith("https://") or any(letter <= " " for letter in value)):
            raise self._wrong(name, "an address that begins with https://")
        return value

    def flag(self, name: str) -> bool | None:
        value = self._data.get(name)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def flags(self, name: str) -> dict[str, bool]:
        values = self._data.get(name, {})
        if not isinstance(values, dict) or not all(isinstance(value, bool) for value in values.values()):
            raise self._wrong(name, "a table of true and false")
        return dict(values)

    def words(self, name: str, default: tuple[str, ...] | None) -> tuple[str, ...]:
        values = self._data.get(name, default)
        if values is None:
            raise ConfigError(f"{self._prefix}{name} of the spec is missing")
        is_list = isinstance(values, list | tuple) and len(values) <= _MOST_WORDS
        if not is_list or not all(isinstance(word, str) and 0 < len(word) <= 100 for word in values):
            raise self._wrong(name, "a list of words")
        return tuple(values)

    def number(self, name: str) -> int | None:
        value = self._data.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 120):
            raise self._wrong(name, "a whole number from 0 to 120")
        return value

    def money(self, name: str) -> Decimal:
        value = self._data.get(name)
        if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
            try:
                money = Decimal(value)
            except (InvalidOperation, ValueError):
                money = Decimal("NaN")
            if money.is_finite() and 0 < money < 10**9:
                return money
        raise self._wrong(name, 'an amount in the account\'s currency such as "20.00"')

    def time(self, name: str) -> dt.datetime | None:
        value = self._data.get(name)
        if value is None:
            return None
        if not isinstance(value, dt.datetime) or value.tzinfo is None:
            raise self._wrong(name, "a time with an offset such as 2026-12-01T09:00:00+01:00")
        return value

    def _wrong(self, name: str, wanted: str) -> ConfigError:
        return ConfigError(f"{self._prefix}{name} of the spec must be {wanted}")
