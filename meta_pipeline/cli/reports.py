"""`reports`: the catalogue as the settings have it, and the names that a report of one's own may use."""

from __future__ import annotations

from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.extract.ads.catalogue import vocabulary

COLUMNS = ["report", "level", "breakdowns", "grain", "is_on", "history_months", "gate"]
HEADERS = {"is_on": "on", "history_months": "months kept", "gate": "switch on first"}
OPTIONAL = ("gate", "grain", "breakdowns", "level")  # what a narrow terminal leaves out, the first of them first
NAMES = ["kind", "name"]


def rows(runtime: Runtime) -> list[tuple[Any, ...]]:
    """A line for every report."""
    return [
        (
            report.name, report.level, ", ".join((*report.breakdowns, *report.action_breakdowns)), report.grain,
            report.is_default, report.history_months, report.gate,
        )
        for report in runtime.catalogue.values()
    ]


def names() -> list[tuple[str, str]]:
    """Everything that Ads Insights knows by name."""
    kinds = {
        "level": vocabulary.IDS, "field": vocabulary.FIELDS, "breakdown": vocabulary.BREAKDOWNS,
        "action breakdown": vocabulary.ACTION_BREAKDOWNS, "window": vocabulary.WINDOWS,
    }
    return [(kind, name) for kind, known in kinds.items() for name in sorted(known)]
