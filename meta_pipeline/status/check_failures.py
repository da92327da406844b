"""The nodes whose checks fail in the published marts, and the remedy for each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from meta_pipeline.display import printable
from meta_pipeline.files import reading
from meta_pipeline.files.locations import Location
from meta_pipeline.node_kinds import AD_ACCOUNT, KINDS_BY_NAME
from meta_pipeline.publish.readers.query import query

REBUILD = "`meta-pipeline rebuild` loads its landed days again, without a call"
# By name of a check: the remedy.
REMEDIES: Mapping[str, str] = {
    "doubled_rows": REBUILD,
    "rows_of_ledger": REBUILD,
    "lost_value": "`meta-pipeline backfill` of these days reads them again; raw_meta_ads has what Meta sent",
    "currency": "`meta-pipeline backfill` of these days reads them in the account's currency",
    "impossible_value": "`meta-pipeline backfill` of these days reads them again",
    "reconciliation": "`meta-pipeline backfill` of ad_insights and account_insights reads these days again",
    "breakdown_adds_up": "`meta-pipeline backfill` of this report and account_insights reads these days again",
}
_RELATIONS = """
select count(distinct name) from (
    select schema_name, table_name as name from duckdb_tables()
    union all
    select schema_name, view_name from duckdb_views()
) where schema_name = 'marts' and name in ('fct_check_failures', 'account_status')
"""
_FAILURES = """
select failures.account_id, any_value(status.kind), any_value(status.node_name),
    coalesce(bool_or(status.is_held_back), false), check_name, report, min(date_day), max(date_day), count(*),
    arg_max(detail, date_day)
from marts.fct_check_failures as failures
left join marts.account_status as status on failures.account_id = status.account_id
where severity = 'error' group by failures.account_id, check_name, report
order by failures.account_id, check_name, report
"""
KEY_PREFIX = "check:"


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """A check that fails with an error on days of a node's report; `detail` is that of the last day. `account_id`: the
    node as marts name it; `kind` and `name`: None for one that is not linked. Names and details hold text from Meta."""

    account_id: str
    kind: str | None
    name: str | None
    is_held_back: bool
    check: str
    report: str
    first_day: dt.date
    last_day: dt.date
    days: int
    detail: str

    @property
    def key(self) -> str:
        """Return the key of the failure while it lasts, so that it is reported once."""
        return f"{KEY_PREFIX}{self.account_id}:{self.check}:{self.report}"

    @property
    def account(self) -> str:
        """Return the node with its kind and name."""
        noun = KINDS_BY_NAME.get(self.kind or "", AD_ACCOUNT).noun
        return f"{noun} {self.account_id}" + (f" ({printable(self.name, limit=100)})" if self.name else "")

    @property
    def remedy(self) -> str:
        """Return what to do about it."""
        return REMEDIES.get(self.check, REBUILD)

    @property
    def sentence(self) -> str:
        """Return account, check, report, days and what is wrong."""
        days = str(self.first_day) if self.days == 1 else f"{self.days} days, {self.first_day} to {self.last_day}"
        return f"{self.account}: {self.check} of {self.report} fails on {days}: {printable(self.detail)}"


def check_failures(published: Location) -> list[CheckFailure]:
    """Return the failures of severity error in the published file; none if the file lacks the marts."""
    if not reading.exists(published) or query(published, _RELATIONS)[1][0][0] < 2:
        return []
    return [CheckFailure(*row) for row in query(published, _FAILURES)[1]]
