"""The query of a truth of Pages or Instagram: days, an instant, and comma lists that restrict the records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TruthQuery:
    """Days, inclusive, read at an instant. `parameters`: the query, whose comma lists restrict the records."""

    since: dt.date
    until: dt.date
    at: dt.datetime
    parameters: Mapping[str, str]

    @classmethod
    def of(cls, query: Mapping[str, str], *, at: dt.datetime) -> TruthQuery:
        """Return the query of a control call; raise KeyError or ValueError for an invalid one."""
        since, until = dt.date.fromisoformat(query["since"]), dt.date.fromisoformat(query["until"])
        return cls(since=since, until=until, at=at, parameters=query)

    @property
    def days(self) -> list[dt.date]:
        """The days, in order."""
        return [self.since + dt.timedelta(days=n) for n in range((self.until - self.since).days + 1)]

    def listed(self, parameter: str) -> frozenset[str]:
        """Return the values of a comma list; none when the query does not restrict it."""
        return frozenset(filter(None, self.parameters.get(parameter, "").split(",")))

    def includes(self, parameter: str, value: str) -> bool:
        """Check that a comma list has this value, or restricts nothing."""
        values = self.listed(parameter)
        return not values or value in values
