"""A picture for people: spend and ROAS per day, a panel an account, because currencies don't add up; and organic views
beside the impressions of ads, a panel a Page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from meta_pipeline.display import printable
from meta_pipeline.files.locations import Location
from meta_pipeline.publish.query import QueryError, query

SPEND, ROAS, ORGANIC, PAID = "#8fb8de", "#c4461f", "#9cc8a4", "#3a5f8a"
_DAYS = """
select account_name, currency, date_day, sum(spend) as spend, sum(conversions_value) as value,
    bool_or(is_provisional) as is_provisional
from marts.facebook_ads__ad_report
group by account_name, currency, date_day
order by account_name, date_day
"""
# Pages of which something organic was read, on the days of either side.
_PAGE_DAYS = """
select page_id, page_name, date_day, media_views_organic, impressions
from marts.social__organic_and_paid
where page_id in (select page_id from marts.facebook_pages__pages_report where media_views_organic is not null)
order by page_name, page_id, date_day
"""
_HAS_PAGES = "select 1 from information_schema.tables where table_name = 'social__organic_and_paid'"


def draw(published: Location, target: Path) -> Path:
    """Draw the published warehouse's last days into `target`, a PNG; its path."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    _, rows = query(published, _DAYS)
    if not rows:
        raise QueryError("the published warehouse holds no delivery yet: run `meta-pipeline backfill` first")
    page_rows = _page_rows(published)
    accounts = list(dict.fromkeys((name, currency) for name, currency, *_ in rows))
    pages = list(dict.fromkeys((id, name) for id, name, *_ in page_rows))
    count = len(accounts) + len(pages)
    figure, panels = pyplot.subplots(
        count, 1, figsize=(10, 1.6 + 1.9 * count), sharex=True, squeeze=False, layout="constrained"
    )
    best = max((ratio for row in rows if (ratio := _ratio(row)) is not None), default=1.0)
    for (name, currency), panel in zip(accounts, panels[:len(accounts), 0], strict=True):
        days = [row for row in rows if row[0] == name and row[1] == currency]
        _draw_account(panel, name, currency, days, best=best)
    for (id, name), panel in zip(pages, panels[len(accounts):, 0], strict=True):
        _draw_page(panel, name or id, [row for row in page_rows if row[0] == id])
    _draw_dates(panels[-1, 0])
    _draw_legend(figure, has_provisional=any(row[5] for row in rows), has_pages=bool(pages))
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=110)
    pyplot.close(figure)
    return target


def _page_rows(published: Location) -> Sequence[Any]:
    """Return the days of Pages; none of a file that an earlier release has published."""
    return query(published, _PAGE_DAYS)[1] if query(published, _HAS_PAGES)[1] else []


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
    _draw_title(panel, name)
    roas = panel.twinx()
    roas.plot(dates, [_ratio(row) for row in days], color=ROAS, marker="o", markersize=2.5, linewidth=1.2)
    roas.set_ylabel("ROAS", color=ROAS)
    roas.set_ylim(0, 1.08 * best)
    roas.spines[["top"]].set_visible(False)


def _draw_page(panel: Any, name: str, days: Sequence[Any]) -> None:
    """Draw one Page's days: organic views as bars, the impressions of the ads that promote it as a line, each on an
    axis of its own; nothing where Meta has returned nothing."""
    from matplotlib.ticker import StrMethodFormatter

    dates = [row[2] for row in days]
    views = [float("nan") if row[3] is None else float(row[3]) for row in days]
    impressions = [float("nan") if row[4] is None else float(row[4]) for row in days]
    panel.bar(dates, views, color=ORGANIC, width=0.8)
    panel.set_ylabel("organic")
    _draw_title(panel, f"{name} · organic and paid")
    paid = panel.twinx()
    paid.plot(dates, impressions, color=PAID, marker="o", markersize=2.5, linewidth=1.2)
    paid.set_ylabel("paid", color=PAID)
    paid.spines[["top"]].set_visible(False)
    is_promoted = any(row[4] is not None for row in days)
    paid.yaxis.set_visible(is_promoted)  # an axis without a value has no scale
    for axis in (panel, paid) if is_promoted else (panel,):
        axis.set_ylim(bottom=0)
        axis.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _draw_title(panel: Any, title: str) -> None:
    """Write the title of a panel as text: matplotlib reads $…$ as mathematics."""
    panel.set_title(printable(title, limit=80), loc="left", fontsize=10, fontweight="bold", parse_math=False)
    panel.spines[["top", "right"]].set_visible(False)


def _draw_dates(panel: Any) -> None:
    """Label the days, each with its month and the axis with its year."""
    import matplotlib.dates as mdates

    locator = mdates.AutoDateLocator(minticks=4, maxticks=10)  # type: ignore[no-untyped-call]
    panel.xaxis.set_major_locator(locator)
    panel.xaxis.set_major_formatter(mdates.DateFormatter("%d %b\n%Y"))  # type: ignore[no-untyped-call]


def _draw_legend(figure: Any, *, has_provisional: bool, has_pages: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Patch(color=SPEND, label="spend, in the account's currency"),
        Line2D([], [], color=ROAS, marker="o", markersize=3, label="ROAS (value of conversions per unit of spend)"),
    ]
    if has_provisional:
        label = "provisional: the day had not ended"
        handles.append(Patch(facecolor="white", edgecolor=SPEND, hatch="////", label=label))
    title = "Spend and ROAS per day of each account's own calendar"
    if has_pages:
        handles += [
            Patch(color=ORGANIC, label="organic media views of the Page"),
            Line2D([], [], color=PAID, marker="o", markersize=3, label="impressions of ads that promote it"),
        ]
        title += "; organic and paid per Page"
    figure.suptitle(title, fontsize=11)
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 3), fontsize=8, frameon=False)


def _ratio(row: Sequence[Any]) -> float | None:
    return float(row[4] / row[3]) if row[3] else None
