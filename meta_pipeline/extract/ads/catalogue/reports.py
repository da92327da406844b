"""The built-in reports, as data: the smallest set of fields, the level, the key, the attribution windows."""

from __future__ import annotations

import datetime as dt
from dataclasses import KW_ONLY, dataclass
from typing import Literal

from meta_pipeline.entity_kinds import ENTITY_KINDS
from meta_pipeline.extract.ads.catalogue.vocabulary import (
    ACTION_FIELDS,
    DAY,
    DEAD_WINDOWS,
    IDS,
    LONGEST_HISTORY,
    SHORTER_HISTORY,
    WHITELIST,
    gate,
    history_limit,
)
from meta_pipeline.records import ConfigError

# Every status that the entities of a level can have: by default Meta leaves deleted and archived ads out of level=ad
# while the account's total includes their spend. One request with the whole list is right whatever Meta's default is;
# "default" plus "the deleted ones" could count rows twice (docs/graph-api.md §2.6, §9).
STATUSES = {kind.level: kind.statuses for kind in ENTITY_KINDS if kind.level is not None}

WINDOWS = ("1d_view", "1d_click", "7d_click", "28d_click")
_ADDITIVE = ("impressions", "clicks", "inline_link_clicks", "spend")
_ACTIONS = ("actions", "action_values")
_DELIVERY = (*_ADDITIVE, "reach", *_ACTIONS)
# As Meta computes them: our rates are checked against them. `ctr` is in every row that has impressions: a row without
# it was read before these fields were requested (docs/decisions/0049).
_RATES = ("ctr", "cpc", "cpm", "cpp", "frequency")
# Views of three seconds are the action `video_view`; landing page views are an action as well.
_VIDEO = (
    "video_play_actions", "video_thruplay_watched_actions", "video_30_sec_watched_actions", "video_p25_watched_actions",
    "video_p50_watched_actions", "video_p75_watched_actions", "video_p95_watched_actions", "video_p100_watched_actions",
    "video_avg_time_watched_actions",
)
_CLICKS = ("outbound_clicks", "unique_clicks", "unique_inline_link_clicks", "unique_outbound_clicks")
# Of ads only, and without a breakdown (docs/graph-api.md §2.5).
_RANKINGS = ("quality_ranking", "engagement_rate_ranking", "conversion_rate_ranking")

# Every window is written out in the request, about 75 characters each in a URL.
MOST_WINDOWS = 31

# A number of days that end on a day, or "month": from the first of the month to the day.
Window = int | Literal["month"]


@dataclass(frozen=True, slots=True)
class Report:
    """A report of Ads Insights. `key`: the fields and breakdowns that are unique within a day; `statuses`: all statuses
    of the level, where Meta would leave deleted entities out; `window`: the days that end on a day and that its metrics
    cover, None for the day alone; `history_months`: how far back Meta has data; `version`: one that it is known to work
    on; `is_default`: read when no report is named; `gate`: what the advertiser must do first, because Meta returns no
    rows and no error until then."""

    name: str
    _: KW_ONLY
    level: str
    fields: tuple[str, ...]
    key: tuple[str, ...]
    statuses: tuple[str, ...] = ()
    windows: tuple[str, ...] = WINDOWS
    breakdowns: tuple[str, ...] = ()
    action_breakdowns: tuple[str, ...] = ()
    window: Window | None = None
    history_months: int = LONGEST_HISTORY
    version: str = "v26.0"
    is_default: bool = True
    gate: str | None = None

    @property
    def rows_per_day(self) -> float | None:
        """Return how many rows a day has, if the report defines it; otherwise None."""
        return 1.0 if self.level == "account" and not self.breakdowns else None

    @property
    def most_days(self) -> int | None:
        """Return how many days fit into one request; None when any number does."""
        return None if self.window is None else MOST_WINDOWS

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the fields of a row that are text."""
        return tuple(name for name in (*self.fields, *self.breakdowns) if name not in ACTION_FIELDS)

    @property
    def actions(self) -> tuple[str, ...]:
        """Return the fields of a row that are lists of action objects."""
        return tuple(name for name in self.fields if name in ACTION_FIELDS)

    @property
    def grain(self) -> str:
        """Return the period that the metrics of one day cover, in words."""
        if self.window is None:
            return "day"
        return "month to the day" if self.window == "month" else f"window of {self.window} days"

    def span(self, day: dt.date) -> tuple[dt.date, dt.date]:
        """Return the first and the last day that the metrics of `day` cover: `date_start` and `date_stop` of its
        rows."""
        if self.window is None:
            return day, day
        return (day.replace(day=1) if self.window == "month" else day - dt.timedelta(days=self.window - 1)), day

    def __post_init__(self) -> None:
        if dead := DEAD_WINDOWS & set(self.windows):
            raise ConfigError(
                f"report {self.name}: the attribution window {', '.join(sorted(dead))} has no data since 2026-01-12: "
                f"remove it, or use one of {', '.join(WINDOWS)}"
            )
        together = {*self.breakdowns, *self.action_breakdowns} - {"action_type"}
        if frozenset(together) not in WHITELIST:
            raise ConfigError(
                f"report {self.name}: Meta refuses {', '.join(sorted(together))} together: "
                "define a report for each"
            )
        if unknown := set(self.key) - {*self.fields, *self.breakdowns}:
            raise ConfigError(f"report {self.name}: its key {', '.join(sorted(unknown))} is not requested: add it")
        if self.history_months > (limit := history_limit(self.fields, self.breakdowns)):
            raise ConfigError(f"report {self.name}: Meta keeps {limit} months of it, not {self.history_months}")


def too_old(report: Report, day: dt.date, today: dt.date) -> str | None:
    """Return why Meta no longer has metrics of this day, both days on the account's own calendar; None when it has."""
    since, oldest = report.span(day)[0], months_before(today, report.history_months)
    if since >= oldest:
        return None
    whole = f"{day} needs days from {since} on" if since < day else f"{day} is older"
    return f"Meta keeps {report.history_months} months of {report.name}, that is from {oldest} on: {whole}"


def months_before(day: dt.date, months: int) -> dt.date:
    """Return the same day that many months earlier, or the last day of that month when it has no such day."""
    count = day.year * 12 + day.month - 1 - months
    first = dt.date(count // 12, count % 12 + 1, 1)
    last = (first.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)
    return first.replace(day=min(day.day, last.day))


def _by_breakdown(
    name: str,
    *breakdowns: str,
    has_actions: bool = True,
    more: tuple[str, ...] = (),
    history_months: int = LONGEST_HISTORY,
    is_default: bool = True,
) -> Report:
    """Return the report of ads by a breakdown: ids, additive metrics and `more` fields. Names come from the listings;
    reach does not add up."""
    return Report(
        f"ad_insights_by_{name}",
        level="ad",
        fields=(
            "account_id", "account_currency", "campaign_id", "adset_id", "ad_id", *DAY, *_ADDITIVE,
            *(_ACTIONS if has_actions else ()), *more,
        ),
        key=("ad_id", *breakdowns),
        statuses=STATUSES["ad"],
        windows=WINDOWS if has_actions else (),
        breakdowns=breakdowns,
        history_months=history_months,
        is_default=is_default,
        gate=gate(breakdowns),
    )


def _reach(level: str, window: Window) -> Report:
    """Return the report of people reached in a window, which can't be summed from days. Off by default: every day is a
    separate range."""
    return Report(
        f"{level}_reach_{window if window == 'month' else f'{window}d'}",
        level=level,
        fields=(*IDS[level], *DAY, "impressions", "reach"),
        key=IDS[level][-1:],
        statuses=STATUSES[level],
        windows=(),
        window=window,
        is_default=False,
    )


_WINDOWS: tuple[Window, ...] = (7, 28, "month")
REPORTS: dict[str, Report] = {
    report.name: report
    for report in (
        Report(
            "ad_insights",
            level="ad",
            fields=(
                "account_id", "account_name", "account_currency", "campaign_id", "campaign_name", "adset_id",
                "adset_name", "ad_id", "ad_name", *DAY, *_DELIVERY, *_RATES, *_CLICKS, *_RANKINGS, *_VIDEO,
            ),
            key=("ad_id",),
            statuses=STATUSES["ad"],
        ),
        Report(
            "account_insights",
            level="account",
            fields=("account_id", "account_name", "account_currency", *DAY, *_DELIVERY, *_RATES),
            key=("account_id",),
        ),
        # Reports of their own, because reach does not add up; everything else is summed from the ads.
        Report(
            "campaign_insights", level="campaign", fields=(*IDS["campaign"], *DAY, "impressions", "reach"),
            key=("campaign_id",), statuses=STATUSES["campaign"], windows=(),
        ),
        Report(
            "ad_set_insights", level="adset", fields=(*IDS["adset"], *DAY, "impressions", "reach"),
            key=("adset_id",), statuses=STATUSES["adset"], windows=(),
        ),
        _by_breakdown("demographics", "age", "gender"),
        _by_breakdown("country", "country"),
        # Meta has no off-Meta conversions by region or hour (docs/graph-api.md §2.3): none are requested.
        _by_breakdown("region", "region", has_actions=False),
        _by_breakdown("placement", "publisher_platform", "platform_position", more=("ctr", *_VIDEO)),
        _by_breakdown("device", "device_platform"),
        _by_breakdown(
            "hourly", "hourly_stats_aggregated_by_advertiser_time_zone", has_actions=False,
            history_months=SHORTER_HISTORY,
        ),
        _by_breakdown("product", "product_id", is_default=False),
        _by_breakdown("impression_device", "publisher_platform", "impression_device", is_default=False),
        *(_reach(level, window) for level in ("account", "campaign") for window in _WINDOWS),
    )
}
