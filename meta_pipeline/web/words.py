"""The wording of the pages: Meta's identifiers in words people use. Data and filters for the templates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from meta_pipeline import money
from meta_pipeline.node_kinds import KINDS_BY_NAME
from meta_pipeline.status import wording

# The name of a node's kind, and the heading over several.
KINDS = {kind: (name, f"{name[:1].upper()}{name[1:]}s") for kind, name in wording.KINDS.items()}
TASKS = {
    "ANALYZE": "view performance", "ADVERTISE": "manage ads", "MANAGE": "full control", "DRAFT": "draft ads",
    "CREATE_CONTENT": "create content", "MODERATE": "moderate", "MESSAGING": "messages",
}
FIGURES = {
    "impressions": "Impressions", "clicks": "Clicks", "spend": "Spend", "page_media_view": "Views",
    "page_total_media_view_unique": "People reached", "page_post_engagements": "Interactions with posts",
    "reach": "People reached",
}
LIMITS = {
    "score": "Requests", "ads_insights": "Results", "ads_management": "Ads", "insights_load": "Load", "pages": "Pages",
    "instagram": "Instagram",
}
NODE_STATUSES = {
    "left out": "left out: not read every day", "paused": "paused: not read",
    "lost": "not read: nobody has given access to it for days",
}
# The state of a share with a partner, and the colour of its badge.
SHARE_STATES = {
    "waiting": ("Waiting", "trouble"), "confirmed": ("Shared", "good"), "refused": ("Refused", "dead"),
    "lapsed": ("Nobody answered", "dead"), "taken_back": ("Taken back", "dead"),
}
TOKEN_KINDS = {"user": "person", "system_user": "system user", "page": "Page", "app": "app"}
BUSY_PERCENT = 1.0  # of one of Meta's limits: below it the limit is not shown


def ago(at: dt.datetime | None, now: dt.datetime) -> str:
    """Return `3 h ago`; `never` for no time."""
    if at is None:
        return "never"
    seconds = (now - at).total_seconds()
    if seconds < 90:
        return "just now"
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length or unit == "min":
            return f"{seconds / length:.0f} {unit} ago"
    return "just now"


def elapsed(since: dt.datetime, now: dt.datetime) -> str:
    """Return the time since a moment: `42 s`, `3 min 5 s`."""
    seconds = max(0, int((now - since).total_seconds()))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def counted(count: int, kind: str) -> str:
    """Return `1 ad account`, `6 ad accounts`."""
    return wording.counted_kind(count, kind)


def totals(counts: Mapping[str, int]) -> str:
    """Return `6 ad accounts, 3 Pages`; kinds with a count of 0 are left out."""
    return ", ".join(counted(counts[kind], kind) for kind in KINDS if counts.get(kind))


def collected(counts: Mapping[str, int]) -> str:
    """Return how many of these nodes have reports: `6 ad accounts and 3 Pages`; empty for none."""
    kinds = [kind for kind in KINDS_BY_NAME if counts.get(kind)]
    return wording.joined([counted(counts[kind], kind) for kind in kinds])


def task(name: str) -> str:
    """Return a task on a node in words."""
    return TASKS.get(name, name.lower().replace("_", " "))


def figures(values: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the figures of a first look as labels and text; money with its currency."""
    shown = []
    for name, value in values.items():
        if name == "account_currency":
            continue
        text = f"{int(value):,}" if value.lstrip("-").isdecimal() and len(value) < 16 else value
        if name == "spend":
            text = amount(value, values.get("account_currency", ""))
        shown.append((FIGURES.get(name, name.replace("_", " ").capitalize()), text))
    return shown


def amount(value: str, currency: str) -> str:
    """Return an amount as people write it: `1,234.56 USD`, `1,234 JPY`."""
    try:
        text = money.amount(Decimal(value), currency)
    except InvalidOperation:
        text = value
    return f"{text} {currency}".strip()


def limits(usage: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return Meta's limits that are in use, the fullest first."""
    busy = [(LIMITS.get(kind, kind.replace("_", " ")), percent) for kind, percent in usage.items()]
    return sorted(((name, percent) for name, percent in busy if percent >= BUSY_PERCENT), key=lambda limit: -limit[1])
