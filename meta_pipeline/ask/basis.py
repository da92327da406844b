"""The basis of an answer: the build, the days it covers, and whether one of them may still change or does not equal
Meta's totals."""

from __future__ import annotations

from typing import Any

from meta_pipeline.ask.answers import plain
from meta_pipeline.ask.marts import Marts

_RECONCILIATION = "facebook_ads__reconciliation"
_KINDS = {"facebook_pages": "pages", "instagram_business": "instagram"}


def basis_of(marts: Marts, *, mart: str | None = None) -> dict[str, Any]:
    """Return the build, the tenant and the days of the published file; `provisional` and `reconciled` are about all its
    days."""
    kind = _KINDS.get((mart or "").split("__")[0], "ads")
    basis: dict[str, Any] = {"build_id": None, "built_at": None, "tenant": None, "covers_until": None}
    if marts.has("publication", "built_at", "build_id", "tenant", f"{kind}_until"):
        rows = marts.rows(f"select build_id, built_at, tenant, {kind}_until from marts.publication")
        basis |= dict(zip(basis, map(plain, rows[0]), strict=True)) if rows else {}
    elif marts.has("facebook_ads__account_report", "date_day"):
        basis["covers_until"] = plain(marts.rows("select max(date_day) from marts.facebook_ads__account_report")[0][0])
    return basis | _state(marts) | {"about": "all days of the published file"}


def _state(marts: Marts) -> dict[str, Any]:
    """Return whether a day of the file is provisional, and whether all days are reconciled; None if not compared."""
    if marts.has("account_status", "provisional_until", "worst_open_difference", "is_held_back"):
        ((provisional, reconciled, held),) = marts.rows(
            "select coalesce(bool_or(provisional_until is not null), false), "
            "bool_and(reconciled_until is not distinct from read_until) filter (where kind = 'ad_account'), "
            "count(*) filter (where is_held_back) from marts.account_status"
        )
        state = {"provisional": provisional, "reconciled": reconciled}
        return state | ({"held_back_nodes": held} if held else {})
    reconciled = None
    if marts.has(_RECONCILIATION, "status"):
        reconciled = marts.rows(f"select bool_and(status = 'equal') from marts.{_RECONCILIATION}")[0][0]
    provisional = None
    if marts.has("facebook_ads__ad_report", "is_provisional"):
        ((provisional,),) = marts.rows("select bool_or(is_provisional) from marts.facebook_ads__ad_report")
    return {"provisional": provisional, "reconciled": reconciled}


def state_of_days(marts: Marts, mart: str, condition: str, values: list[Any]) -> dict[str, Any]:
    """Return `provisional` and `reconciled` of the account's days of a mart that meet the condition."""
    provisional = "bool_or(is_provisional)" if marts.has(mart, "is_provisional") else "null"
    days = (
        f"select account_id, date_day, {provisional} as is_provisional from marts.{mart} where {condition} group by all"
    )
    status = "null"
    if marts.has(_RECONCILIATION, "status", "account_id", "date_day"):
        days = (
            f"select days.*, reconciliation.status from ({days}) as days left join marts.{_RECONCILIATION} as "
            "reconciliation using (account_id, date_day)"
        )
        status = "bool_and(coalesce(status = 'equal', false))"
    ((provisional, reconciled, count),) = marts.rows(
        f"select bool_or(is_provisional), {status}, count(*) from ({days})", values
    )
    return {"provisional": provisional, "reconciled": reconciled, "about": f"the {count} account days of this answer"}
