"""A picture for people: spend and ROAS per day, a panel an account, because currencies don't add up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from meta_pipeline.display import printable
from meta_pipeline.files.locations import Location
from meta_pipeline.publish.query import QueryError, query

SPEND, ROAS = "#8fb8de", "#c4461f"
_DAYS = """
select account_name, currency, date_day, sum(spend) as spend, sum(conversions_value) as value,
    bool_or(is_provisional) as is_provisional
from marts.facebook_ads__ad_report
group by account_name, currency, date_day
order by account_name, date_day
"""


def draw(published: Location, target: Path) -> Path:
    """Draw the published warehouse's last days into `target`, a PNG; its path."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    _, rows = query(published, _DAYS)
    if not rows:
        raise QueryError("the published warehouse holds no delivery yet: run `meta-pipeline backfill` first")
    accounts = list(dict.fromkeys((name, currency) for name, currency, *_ in rows))
    figure, panels = pyplot.subplots(
        len(accounts), 1, figsize=(10, 1.6 + 1.9 * len(accounts)), sharex=True, squeeze=False, layout="constrained"
    )
    best = max((ratio for row in rows if (ratio := _ratio(row)) is not None), default=1.0)
    for (name, currency), panel in zip(accounts, panels[:, 0], strict=True):
        days = [row for row in rows if row[0] == name and row[1] == currency]
        _draw_account(panel, name, currency, days, best=best)
    _draw_dates(panels[-1, 0])
    _draw_legend(figure, has_provisional=any(row[5] for row in rows))
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=110)
    pyplot.close(figure)
    return target


def _draw_account(panel: Any, name: str, currency: str, days: Sequence[Any], *, best: float) -> None:
    """Draw one account's days; ROAS has the same axis in every panel, so that accounts can be compared."""
    from matplotlib.ticker import StrMethodFormatter

    dates = [row[2] for row in days]
    bars = panel.bar(dates, [float(row[3]) for row in days], color=SPEND, width=0.8)
    for bar, row in zip(bars, days, strict=True):
        if row[5]:
            bar.set(hatch="////", facecolor="white", edgecolor=SPEND)
    panel.set_ylabel(currency)
    panel.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    # matplotlib reads $…$ as mathematics; a name is text.
    panel.set_title(printable(name, limit=80), loc="left", fontsize=10, fontweight="bold", parse_math=False)
    panel.spines[["top", "right"]].set_visible(False)
    roas = panel.twinx()
    roas.plot(dates, [_ratio(row) for row in days], color=ROAS, marker="o", markersize=2.5, linewidth=1.2)
    roas.set_ylabel("ROAS", color=ROAS)
    roas.set_ylim(0, 1.08 * best)
    roas.spines[["top"]].set_visible(False)


def _draw_dates(panel: Any) -> None:
    """Label the days, each with its month and the axis with its year."""
    import matplotlib.dates as mdates

    locator = mdates.AutoDateLocator(minticks=4, maxticks=10)  # type: ignore[no-untyped-call]
    panel.xaxis.set_major_locator(locator)
    panel.xaxis.set_major_formatter(mdates.DateFormatter("%d %b\n%Y"))  # type: ignore[no-untyped-call]


def _draw_legend(figure: Any, *, has_provisional: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Patch(color=SPEND, label="spend, in the account's currency"),
        Line2D([], [], color=ROAS, marker="o", markersize=3, label="ROAS (value of conversions per unit of spend)"),
    ]
    if has_provisional:
        label = "provisional: the day had not ended"
        handles.append(Patch(facecolor="white", edgecolor=SPEND, hatch="////", label=label))
    figure.suptitle("Spend and ROAS per day of each account's own calendar", fontsize=11)
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8, frameon=False)


def _ratio(row: Sequence[Any]) -> float | None:
    return float(row[4] / row[3]) if row[3] else None
