"""The checks that the operator's TOML files share: names, lists, flags and days. Errors suggest the name that was
probably meant."""

from __future__ import annotations

import contextlib
import datetime as dt
import difflib
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from meta_pipeline.records import ConfigError


@contextlib.contextmanager
def name_in_errors(source: str) -> Iterator[None]:
    """Name the file in each ConfigError of the block, and raise one for invalid TOML."""
    try:
        yield
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source} is not valid TOML: {error}") from error
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error


def read_names(
    table: Mapping[str, Any], key: str, allowed: Collection[str], noun: str, *, listed_by: str
) -> tuple[str, ...]:
    """Return a list of names, empty without the key. Raise ConfigError for a name that is not allowed or occurs twice;
    `listed_by` is the command that lists those that are."""
    names = table.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f'{key} must be a list of names: write {key} = ["…"]')
    for name in names:
        if name not in allowed:
            raise ConfigError(f"{key}: there is no {noun} {name!r}{suggestion(name, allowed, listed_by=listed_by)}")
    if len(set(names)) < len(names):
        raise ConfigError(f"{key} names {next(name for name in names if names.count(name) > 1)} twice: remove one")
    return tuple(names)


def check_keys(table: Mapping[str, Any], allowed: Collection[str], noun: str = "key") -> None:
    """Raise ConfigError for a key that is not allowed."""
    for name in table:
        if name not in allowed:
            raise ConfigError(f"there is no {noun} {name!r}{suggestion(name, allowed)}")


def read_tables(document: Mapping[str, Any], key: str, example: str) -> dict[str, dict[str, Any]]:
    """Return the tables of a key, empty without it. Raise ConfigError when the value is not tables."""
    tables = document.get(key, {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise ConfigError(f"{key} must be tables: write [{key}.{example}]")
    return tables


def read_flag(table: Mapping[str, Any], key: str, default: bool) -> bool:
    """Return a flag, or the default without one. Raise ConfigError when it is neither true nor false."""
    value = table.get(key, default)
    if not isinstance(value, bool):
        raise ConfigError(f"{key} must be true or false, not {value!r}")
    return value


def read_day(table: Mapping[str, Any], key: str, default: dt.date | None) -> dt.date | None:
    """Return a day, or the default without one. Raise ConfigError when it is not a day."""
    value = table.get(key, default)
    if value is not None and (not isinstance(value, dt.date) or isinstance(value, dt.datetime)):
        raise ConfigError(f"{key} must be a day such as 2026-12-01, without quotation marks, not {value!r}")
    return value


def suggestion(name: str, allowed: Iterable[str], *, listed_by: str = "") -> str:
    """Return the name that was probably meant; without a similar one all of them, or the command that lists them."""
    names = sorted(allowed)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f", did you mean {close[0]}?"
    return f": there are {', '.join(names)}" if len(names) <= 20 or not listed_by else f": {listed_by} lists them all"
