"""A picture for people: spend and ROAS per day, a panel an account, because currencies don't add up."""

from __future__ import annotations

from pathlib import Path

from meta_pipeline.publish.query import QueryError, query

_DAYS = """
select account_name, currency, date_day, sum(spend) as spend, sum(conversions_value) as value
from marts.facebook_ads__ad_report
group by account_name, currency, date_day
order by account_name, date_day
"""


def draw(published: Path, target: Path) -> Path:
    """Draw the published warehouse's last days into `target`, a PNG; its path."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.dates as mdates
    from matplotlib import pyplot

    _, rows = query(published, _DAYS)
    if not rows:
        raise QueryError("the published warehouse holds no delivery yet: run `meta-pipeline backfill` first")
    accounts = list(dict.fromkeys((name, currency) for name, currency, *_ in rows))
    figure, panels = pyplot.subplots(
        len(accounts), 1, figsize=(10, 1.2 + 1.9 * len(accounts)), sharex=True, squeeze=False, layout="constrained"
    )
    for (name, currency), panel in zip(accounts, panels[:, 0], strict=True):
        days = [row for row in rows if row[0] == name and row[1] == currency]
        dates = [row[2] for row in days]
        panel.bar(dates, [float(row[3]) for row in days], color="#8fb8de", width=0.8, label="spend")
        panel.set_ylabel(currency)
        panel.set_title(name, loc="left", fontsize=10, fontweight="bold")
        panel.spines[["top", "right"]].set_visible(False)
        roas = panel.twinx()
        ratios = [float(row[4] / row[3]) if row[3] else None for row in days]
        roas.plot(dates, ratios, color="#c4461f", marker="o", markersize=2.5, linewidth=1.2, label="ROAS")
        roas.set_ylabel("ROAS", color="#c4461f")
        roas.set_ylim(bottom=0)
        roas.spines[["top"]].set_visible(False)
    panels[-1, 0].xaxis.set_major_formatter(mdates.DateFormatter("%d %b"))  # type: ignore[no-untyped-call]
    figure.suptitle("Spend (bars, account currency) and ROAS (line) per day of the account's own calendar", fontsize=11)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=110)
    pyplot.close(figure)
    return target
