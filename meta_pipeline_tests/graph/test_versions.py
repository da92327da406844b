"""Meta's calendar of versions: problems of a pin, and newer facts from a file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from meta_pipeline.graph.versions import Calendar, calendar, parsed
from meta_pipeline.records import ConfigError
from meta_pipeline.settings import Settings

TODAY = dt.date(2026, 11, 27)


def test_the_default_pins_are_valid_today() -> None:
    settings = Settings(_env_file=None)

    assert (settings.graph_version, settings.marketing_version) == ("v24.0", "v26.0")
    for surface, version in settings.pins.items():
        assert Calendar().trouble_with(surface, version, today=TODAY) is None


@pytest.mark.parametrize(("surface", "version", "today", "says"), [
    ("marketing", "v24.0", TODAY, "ended for the marketing surface on 2026-11-10"),
    ("graph", "v24.0", TODAY, None),
    ("marketing", "v25.0", TODAY, None),
    ("marketing", "v25.0", dt.date(2026, 12, 25), "ends for the marketing surface on 2027-02-23"),
    ("marketing", "v26.0", dt.date(2027, 4, 28), None),
    ("marketing", "v26.0", dt.date(2027, 5, 1), "older than nine months"),
    ("graph", "v26.0", dt.date(2027, 5, 1), "older than nine months"),
    ("marketing", "v27.0", TODAY, None),
    ("marketing", "v99.0", TODAY, "unknown"),
])
def test_the_problem_of_a_pin_is_reported(surface: str, version: str, today: dt.date, says: str | None) -> None:
    trouble = Calendar().trouble_with(surface, version, today=today)  # type: ignore[arg-type]

    assert trouble is None if says is None else says in str(trouble)


def test_the_versions_after_a_pin_in_order() -> None:
    assert Calendar().after("v24.0", most=2) == ["v25.0", "v26.0"]
    assert Calendar().after("v26.0", most=2) == ["v27.0"]
    assert Calendar().after("v27.0") == []
    assert parsed('[versions."v100.0"]', source="f").after("v27.0") == ["v100.0"]


def test_a_file_refreshes_the_calendar(tmp_path: Path) -> None:
    file = tmp_path / "versions.toml"
    file.write_text(
        'source = "the changelog, 2027-02-01"\n[versions."v26.0"]\nmarketing = 2027-08-01\n'
        '[versions."v28.0"]\nreleased = 2027-02-17\nchanges = ["one"]\n'
    )
    merged = calendar(file)

    assert merged.end_of("marketing", "v26.0") == "usable until 2027-08-01"
    assert merged.end_of("graph", "v26.0") == "its end is not announced"
    assert merged.changes("v28.0") == ("one",) and merged.changes("v26.0") == Calendar().changes("v26.0")
    assert "the changelog, 2027-02-01" in merged.source and merged.after("v26.0") == ["v27.0", "v28.0"]


@pytest.mark.parametrize(("text", "says"), [
    ("[", "not valid TOML"), ("x = 1", "only source and versions"), ("versions = 1", "tables"), ("source = 1", "source"),
    ('[versions.v28]\n', "write it as v28.0"), ('[versions."v28.0"]\nend = 2027-01-01', "there are released"),
    ('[versions."v28.0"]\ngraph = "2027-01-01"', "without quotation marks"), ('[versions]\n"v28.0" = 1', "must be a table"),
    ('[versions."v28.0"]\ngraph = 2027-01-01T00:00:00Z', "must be a day"), ('[versions."v28.0"]\nchanges = "x"', "list"),
])
def test_a_wrong_file_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match="META_PIPELINE_VERSIONS") as caught:
        parsed(text, source="f.toml")
    assert says in str(caught.value) and "f.toml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.toml can't be read"):
        calendar(tmp_path / "missing.toml")
