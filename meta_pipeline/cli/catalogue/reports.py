"""`reports`: list the reports of the catalogue and the names that user-defined reports can use."""

from __future__ import annotations

from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.extract.ads.catalogue import vocabulary
from meta_pipeline.extract.ads.catalogue.reports import Report

REPORT_COLUMNS = ["report", "level", "breakdowns", "grain", "is_on", "history_months", "gate"]
HEADERS = {"is_on": "on", "history_months": "months kept", "gate": "switch on first"}
OPTIONAL = ("gate", "grain", "breakdowns", "level")  # the columns that a narrow terminal leaves out, in this order
NAME_COLUMNS = ["kind", "name"]


def list_reports(runtime: Runtime) -> list[tuple[Any, ...]]:
    """Return a table row for every report."""
    return [
        (
            report.name, report.level,
            ", ".join((*report.breakdowns, *report.action_breakdowns)) if isinstance(report, Report) else "",
            report.grain, report.is_default, report.history_months,
            report.gate if isinstance(report, Report) else None,
        )
        for report in runtime.reports.values()
    ]


def list_names() -> list[tuple[str, str]]:
    """Return the kind and the name of every field, breakdown and window that a report can use."""
    names_by_kind = {
        "level": vocabulary.IDS, "field": vocabulary.FIELDS, "breakdown": vocabulary.BREAKDOWNS,
        "action breakdown": vocabulary.ACTION_BREAKDOWNS, "window": vocabulary.WINDOWS,
    }
    return [(kind, name) for kind, names in names_by_kind.items() for name in sorted(names)]
