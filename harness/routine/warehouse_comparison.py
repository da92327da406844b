"""Raw tables, marts and histories, compared with the sandbox's values at the time of each read."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import duckdb

from harness.nodes.node_comparison import NodeComparison
from harness.routine.expected_totals import VIDEO, ExpectedTotals, Key, Rows, figures_of, summed
from harness.routine.routine import Read, Routine
from meta_pipeline.extract.ads.catalogue.reports import REPORTS, Report
from meta_pipeline.warehouse.tables import quoted

LEVELS = {"account": "account_id", "campaign": "campaign_id", "adset": "ad_set_id", "ad": "ad_id"}
_SPLIT = {"hourly_stats_aggregated_by_advertiser_time_zone": "hour"}
_MART = {"impressions": "impressions", "clicks": "clicks_all", "inline_link_clicks": "link_clicks", "spend": "spend",
         "reach": "reach", "purchases": "conversions", "value": "conversions_value"}
_VIDEO_MARTS = {"ad_insights": "video", "ad_insights_by_placement": "video_placement"}
_VIDEO_COLUMNS = tuple(f"video_{step}" for step in VIDEO.values())
_SUMS = ("impressions", "clicks", "inline_link_clicks", "spend")
_GRAINS = {"7d": "7 days", "28d": "28 days", "month": "month"}
Day = tuple[str, dt.date]
INSTANT = dt.timedelta(microseconds=1)


class WarehouseComparison:
    """A routine's warehouse and its expected contents: `wrong` has a sentence for every difference."""

    def __init__(self, routine: Routine) -> None:
        self.routine, self.expected = routine, ExpectedTotals(routine.graph, routine.opted_in)
        self.wrong: list[str] = []
        self.rows = self.moments = self.node_rows = 0
        self._reads: dict[str, dict[Day, list[Read]]] = defaultdict(lambda: defaultdict(list))
        for read in sorted(routine.reads, key=lambda read: read.at):
            self._reads[read.report][(read.account_id, read.day)].append(read)

    def everything(self) -> list[str]:
        """Make every comparison; return the differences."""
        with self.routine.warehouse.open() as connection:
            for report in REPORTS.values():
                wanted = self._last(report)
                self._same(f"raw {report.name}", wanted, _rows(connection, raw_query(report), figures_of(report)))
                names = [name for name in figures_of(report) if name in _MART]
                wanted_of_mart = _unknown(wanted)
                self._same(
                    f"mart {report.name}", _picked(wanted_of_mart, names), _rows(connection, mart_query(report), names)
                )
                if video := _VIDEO_MARTS.get(report.name):
                    self._same(
                        f"mart of videos {report.name}", _watched(wanted_of_mart),
                        _rows(connection, video_query(report, video), tuple(VIDEO)),
                    )
                self._coverage(connection, report, wanted)
            self._restatements(connection)
            self._history(connection)
            (differing,), = connection.execute(
                "select count(*) from marts.facebook_ads__reconciliation where status <> 'equal'").fetchall()
            if differing:
                self.wrong.append(f"{differing} days do not reconcile")
            nodes = NodeComparison(self.routine.nodes)
            self.wrong += nodes.everything(connection)
            self.node_rows = nodes.rows
        return self.wrong

    def as_read(self, read: Read, days: Sequence[dt.date]) -> dict[dt.date, Rows]:
        """Return the sandbox's values of an account's days at the time of this read."""
        return self.expected.days(read.report, read.account_id, read.tick, days)

    def _last(self, report: Report) -> dict[Day, Rows]:
        """Return every day with the sandbox's values at its last read."""
        reads = [every[-1] for every in self._reads[report.name].values()]
        return {key: rows for key, rows in self._said(reads).items() if rows}

    def _said(self, reads: Sequence[Read]) -> dict[Day, Rows]:
        """Return the sandbox's values of each read's day at that time; reads of one tick are computed together."""
        together: dict[tuple[str, dt.datetime], list[Read]] = defaultdict(list)
        for read in reads:
            together[(read.account_id, read.tick)].append(read)
        rows_by_day: dict[Day, Rows] = {}
        for (account_id, _), of_tick in together.items():
            counts = self.as_read(of_tick[0], [read.day for read in of_tick])
            rows_by_day |= {(account_id, read.day): counts.get(read.day, {}) for read in of_tick}
        return rows_by_day

    def _same(self, what: str, wanted: dict[Day, Rows], rows_by_day: dict[Day, Rows]) -> None:
        for key in sorted(wanted.keys() | rows_by_day.keys()):
            ours, theirs = rows_by_day.get(key, {}), wanted.get(key, {})
            self.rows += len(theirs)
            for row in sorted(ours.keys() | theirs.keys(), key=str):
                if ours.get(row) != theirs.get(row):
                    self.wrong.append(f"{what} {key} {row}: {ours.get(row)} instead of {theirs.get(row)}")

    def _coverage(self, connection: duckdb.DuckDBPyConnection, report: Report, wanted: dict[Day, Rows]) -> None:
        """Check that rows without a value are counted, and that every day that was read is listed, empty or not."""
        counts = connection.execute(
            "select account_id, date_day, rows_read, unknown_rows from marts.fct_report_coverage where report = ?",
            [report.name]).fetchall()
        for account_id, day, rows, unknown in counts:
            said = wanted.get((account_id, day), {})
            absent = sum(None in key for key in said)
            if (rows, unknown) != (len(said), absent):
                self.wrong.append(f"coverage {report.name} {account_id} {day}: {rows} rows, {unknown} unknown instead "
                                  f"of {len(said)}, {absent}")
        if missing := set(self._reads[report.name]) - {(row[0], row[1]) for row in counts}:
            self.wrong.append(f"coverage {report.name}: {len(missing)} days that were read are not listed")

    def _looks(self, report: str) -> Iterator[tuple[Day, dt.datetime, Rows]]:
        """Yield every moment at which a history is checked, with the expected rows: the time of each read, and the last
        moment before the next one."""
        by_tick: dict[dt.datetime, list[Read]] = defaultdict(list)
        for every in self._reads[report].values():
            for read in every:
                by_tick[read.tick].append(read)
        said = {(tick, key): rows for tick, reads in by_tick.items() for key, rows in self._said(reads).items()}
        for key, every in self._reads[report].items():
            for read, following in zip(every, [*every[1:], None], strict=True):
                moments = {read.at, following.at - INSTANT} if following and following.at > read.at else {read.at}
                for moment in moments:
                    self.moments += 1
                    yield key, moment, said[(read.tick, key)]

    def _restatements(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Check the sums of every report at every moment."""
        spans: dict[tuple[str, str, dt.date], list[tuple[Any, ...]]] = defaultdict(list)
        for report, account_id, day, *span in connection.execute(
            "select report, account_id, date_day, valid_from, valid_to, rows_read, impressions, clicks_all, "
            "link_clicks, "
            "spend from marts.facebook_ads__restatement_report").fetchall():
            spans[(report, account_id, day)].append(tuple(span))
        for report in REPORTS.values():
            names = [name for name in _SUMS if name in figures_of(report)]
            for key, moment, rows in self._looks(report.name):
                then = _at(spans[(report.name, *key)], moment)
                wanted = {"rows": Decimal(len(rows)), **summed(rows, names)}
                ours = [dict(zip(("rows", *_SUMS), span[2:], strict=True)) for span in then]
                if [{name: Decimal(span[name]) for name in wanted} for span in ours] != [wanted]:
                    self.wrong.append(f"restatement {report.name} {key} at {moment}: {ours} instead of {wanted}")

    def _history(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Check the ads at every moment."""
        names = [name for name in figures_of(REPORTS["ad_insights"]) if name in _MART and name != "reach"]
        spans: dict[Day, list[tuple[Any, ...]]] = defaultdict(list)
        for account_id, day, *span in connection.execute(
            f"select account_id, date_day, valid_from, valid_to, ad_id, {', '.join(_MART[name] for name in names)} "
            "from marts.facebook_ads__ad_report_history").fetchall():
            spans[(account_id, day)].append(tuple(span))
        for key, moment, rows in self._looks("ad_insights"):
            then = _at(spans[key], moment)
            ours = {span[2]: dict(zip(names, map(Decimal, span[3:]), strict=True)) for span in then}
            wanted = {ad: {name: row[name] for name in names} for (ad,), row in rows.items()}
            if ours != wanted or len(then) != len(wanted):
                self.wrong.append(f"history {key} at {moment}: {len(then)} ads that differ from {len(wanted)}")


def _at(spans: Sequence[tuple[Any, ...]], moment: dt.datetime) -> list[tuple[Any, ...]]:
    return [span for span in spans if span[0] <= moment and (span[1] is None or span[1] > moment)]


def _unknown(wanted: dict[Day, Rows]) -> dict[Day, Rows]:
    """Return the same rows as a mart has them: a missing breakdown value is `unknown`, merged with Meta's own
    `unknown`."""
    rows_by_day: dict[Day, Rows] = {}
    for day, rows in wanted.items():
        merged: dict[Key, list[dict[str, Decimal]]] = defaultdict(list)
        for key, row in rows.items():
            merged[tuple("unknown" if each is None else each for each in key)].append(row)
        rows_by_day[day] = {
            key: {name: sum((row[name] for row in group), Decimal(0)) for name in group[0]}
            for key, group in merged.items()
        }
    return rows_by_day


def raw_query(report: Report) -> str:
    """Return a query of a raw table's rows: account, day, key, figures."""
    kinds = {"purchases": "actions", "value": "action_values"}

    def figure(name: str) -> str:
        if name in VIDEO:
            return f"coalesce({name}[1].value::decimal(18, 6), 0)"
        if name not in kinds:
            return f"coalesce({name}::decimal(18, 6), 0)"
        return (f"coalesce(list_sum(list_transform(list_filter({kinds[name]}, lambda each: each.action_type = "
                "'omni_purchase'), lambda each: each.value::decimal(18, 6))), 0)")

    key = ", ".join((f"{report.level}_id", *map(quoted, report.breakdowns)))
    figures = ", ".join(map(figure, figures_of(report)))
    return f"select replace(node_id, 'act_', ''), day, {key}, {figures} from raw_meta_ads.{quoted(report.name)}"


def mart_query(report: Report) -> str:
    """Return the same query of the report's mart."""
    figures = ", ".join(_MART[name] for name in figures_of(report) if name in _MART)
    if report.window is not None:
        grain = _GRAINS[report.name.rpartition("_")[2]]
        whose = "campaign_id is null" if report.level == "account" else "campaign_id is not null"
        return (f"select account_id, date_day, {LEVELS[report.level]}, {figures} from marts.facebook_ads__reach_report "
                f"where grain = '{grain}' and {whose}")
    of = report.name.removeprefix("ad_insights_by_") if report.breakdowns else report.name.removesuffix("_insights")
    key = ", ".join((LEVELS[report.level], *(_SPLIT.get(name, name) for name in report.breakdowns)))
    return f"select account_id, date_day, {key}, {figures} from marts.facebook_ads__{of}_report"


def video_query(report: Report, mart: str) -> str:
    """Return a query of the rows of a mart of videos: account, day, key, counts."""
    key, figures = ", ".join(("ad_id", *report.breakdowns)), ", ".join(_VIDEO_COLUMNS)
    return f"select account_id, date_day, {key}, {figures} from marts.facebook_ads__{mart}_report"


def _picked(wanted: dict[Day, Rows], names: Sequence[str]) -> dict[Day, Rows]:
    """Return the same rows with only these figures."""
    return {
        day: {key: {name: row[name] for name in names} for key, row in rows.items()} for day, rows in wanted.items()
    }


def _watched(wanted: dict[Day, Rows]) -> dict[Day, Rows]:
    """Return the funnels of the rows whose video was played."""
    return {
        day: {key: row for key, row in rows.items() if row["video_play_actions"]}
        for day, rows in _picked(wanted, tuple(VIDEO)).items()
    }


def _rows(connection: duckdb.DuckDBPyConnection, query: str, names: Sequence[str]) -> dict[Day, Rows]:
    rows_by_day = defaultdict[Day, Rows](dict)
    for account_id, day, *rest in connection.execute(query).fetchall():
        key, figures = tuple(rest[: -len(names)]), rest[-len(names):]
        assert key not in rows_by_day[(account_id, day)], f"two rows for {account_id} {day} {key}: {query}"
        rows_by_day[(account_id, day)][key] = {
            name: Decimal(figure) for name, figure in zip(names, figures, strict=True)
        }
    return rows_by_day
