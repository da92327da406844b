"""The metrics, from the dbt project's definitions (`models/semantic/ads.yml`), as SQL over the rows of a mart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from meta_pipeline.project import dbt_project_folder

# Other names for the same metric; `clicks` alone is Meta's: all clicks.
ALIASES = {"clicks": "clicks_all", "value": "conversions_value"}
# Counts the currencies of a group: a metric that uses it is money, and is grouped by currency.
_CURRENCIES = "currencies"
# Counts the rows that no exchange rate covers; like `currencies` it is only a part of other metrics.
_WITHOUT_RATE = "rows_without_rate"
_WORDS = re.compile(r"'[^']*'|\b[a-z_][a-z0-9_]*\b")
_UNCHECKED = "_unchecked"
_SQL = frozenset({"coalesce", "case", "when", "is", "null", "then", "else", "end"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric. `sql`: the aggregate; `columns`: the columns of a mart that it reads; `has_money`: it is an amount, or
    compares two amounts, and is only correct within one currency."""

    name: str
    description: str
    sql: str
    columns: frozenset[str]
    has_money: bool


def load_metrics(folder: Path | None = None) -> dict[str, Metric]:
    """Return the metrics by name. Metrics that are only parts of others (`…_unchecked`, counts of currencies and of
    rows without a rate) are left out."""
    path = (folder or dbt_project_folder()) / "models" / "semantic" / "ads.yml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    definitions = _Definitions(document)
    return {
        name: definitions.metric(name) for name in definitions.metrics
        if name not in (_CURRENCIES, _WITHOUT_RATE) and not name.endswith(_UNCHECKED)
    }


class _Definitions:
    def __init__(self, document: Mapping[str, Any]) -> None:
        measures = [measure for model in document["semantic_models"] for measure in model["measures"]]
        self.measures = {measure["name"]: measure for measure in measures}
        self.metrics = {metric["name"]: metric for metric in document["metrics"]}

    def metric(self, name: str) -> Metric:
        parts = self._parts(name)
        expressions = [self._expression(part) for part in parts]
        columns = {word for text in expressions for word in _WORDS.findall(text) if not word.startswith("'")}
        return Metric(
            name=name, description=self.metrics[name]["description"], sql=self._sql(name),
            columns=frozenset(columns - _SQL), has_money=_CURRENCIES in parts,
        )

    def _expression(self, name: str) -> str:
        measure = self.measures[self.metrics[name]["type_params"]["measure"]]
        return str(measure.get("expr", measure["name"]))

    def _parts(self, name: str) -> set[str]:
        """Return the simple metrics that this one is computed from."""
        metric = self.metrics[name]
        if metric["type"] == "simple":
            return {name}
        return set().union(*(self._parts(part) for part in metric["type_params"]["metrics"]))

    def _sql(self, name: str) -> str:
        metric = self.metrics[name]
        if metric["type"] == "simple":
            measure = self.measures[metric["type_params"]["measure"]]
            distinct = "distinct " if measure["agg"] == "count_distinct" else ""
            function = {"count_distinct": "count"}.get(measure["agg"], measure["agg"])
            return f"{function}({distinct}{self._expression(name)})"
        parts = set(metric["type_params"]["metrics"])

        def replaced(match: re.Match[str]) -> str:
            return f"({self._sql(match[0])})" if match[0] in parts else match[0]

        return _WORDS.sub(replaced, metric["type_params"]["expr"])
