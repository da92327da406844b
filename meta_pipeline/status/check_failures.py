"""The accounts whose checks fail in the published marts, and what to do about each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from meta_pipeline.files import reading
from meta_pipeline.files.locations import Location
from meta_pipeline.publish.query import query

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
_EXISTS = "select count(*) from duckdb_tables() where schema_name = 'marts' and table_name = 'fct_check_failures'"
_FAILURES = """
select account_id, check_name, report, min(date_day), max(date_day), count(*), arg_max(detail, date_day)
from marts.fct_check_failures where severity = 'error' group by all order by all
"""


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """A check that fails with an error on days of an account's report; `detail` is that of the last day."""

    account_id: str
    check: str
    report: str
    first_day: dt.date
    last_day: dt.date
    days: int
    detail: str

    @property
    def key(self) -> str:
        """Return what identifies the failure while it lasts, so that it is reported once."""
        return f"check:{self.account_id}:{self.check}:{self.report}:{self.first_day}"

    @property
    def remedy(self) -> str:
        """Return what to do about it."""
        return REMEDIES.get(self.check, REBUILD)

    @property
    def sentence(self) -> str:
        """Return account, check, report, days and what is wrong."""
        days = str(self.first_day) if self.days == 1 else f"{self.days} days, {self.first_day} to {self.last_day}"
        return f"account {self.account_id}: {self.check} of {self.report} fails on {days}: {self.detail}"


def check_failures(published: Location) -> list[CheckFailure]:
    """Return the failures with an error in the published file; none when it lacks the mart."""
    if not reading.exists(published) or not query(published, _EXISTS)[1][0][0]:
        return []
    return [CheckFailure(*row) for row in query(published, _FAILURES)[1]]
