"""Every restatement taper that keeps the promise, every way to plan the ranges to read, and their costs in calls."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from meta_pipeline.extract.planning.ranges import Range, contiguous_ranges
from meta_pipeline.extract.planning.restatement import LAST_READ_AGE, STABLE_AFTER_DAYS, Tier, due, parse_tiers
from meta_pipeline.extract.planning.sizes import Sizes
from meta_pipeline.settings import Settings

PROMISE = parse_tiers("3:1,7:2,14:4,28:7")
DEFAULT = parse_tiers(Settings.model_fields["restatement"].default)
REPORTS, ROWS_A_DAY, PAGES = 6, (120, 240, 480, 960), (500, 5000)
# Days, a multiple of every interval in which a taper can repeat (1 to 7 days).
CYCLE, WARM_UP = 420, 84
FIRST = dt.date(2026, 1, 1)

Plan = Callable[[Sequence[dt.date], "Costs", dt.date], list[Range]]


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of a range of one report."""

    rows_per_day: int
    page: int
    polls: int = 2

    def of(self, days: int) -> int:
        """Return the calls for one range of `days` days."""
        return _calls(self, days)


@functools.cache
def _calls(costs: Costs, days: int) -> int:
    sizes = Sizes(costs.page, page=costs.page, rows_per_day=costs.rows_per_day)
    run = 0 if sizes.is_synchronous(days) else 1 + costs.polls
    return run + -(-days * costs.rows_per_day // costs.page)


@functools.cache
def _piece(costs: Costs, days: int) -> int:
    """Return the longest piece, in days, of a range that is cut so that it costs the fewest calls."""
    def of(longest: int) -> int:
        return sum(costs.of(len(piece.days)) for piece in Range(FIRST, FIRST + dt.timedelta(days - 1)).split(longest))

    return min(range(days, 0, -1), key=of)


def nested(days: Sequence[dt.date], costs: Costs, yesterday: dt.date) -> list[Range]:
    """Return one range, from the oldest day that is due to yesterday, as the schedule plans it."""
    return [Range(days[0], yesterday)] if days else []


def in_pieces(days: Sequence[dt.date], costs: Costs, yesterday: dt.date) -> list[Range]:
    """Return the same range, cut into pieces that are read synchronously where that is cheaper than a report run."""
    return [piece for whole in nested(days, costs, yesterday) for piece in whole.split(_piece(costs, len(whole.days)))]


def only_due(days: Sequence[dt.date], costs: Costs, yesterday: dt.date) -> list[Range]:
    """Return only the days that are due, as ranges."""
    return contiguous_ranges(days)


def cheapest_cover(days: Sequence[dt.date], costs: Costs, yesterday: dt.date) -> list[Range]:
    """Return ranges of the days that are due, joined where one range is cheaper today than two."""
    best: list[tuple[int, list[Range]]] = [(0, [])]
    for end, day in enumerate(days):
        best.append(min(
            (
                (best[start][0] + costs.of((day - days[start]).days + 1), [*best[start][1], Range(days[start], day)])
                for start in range(end + 1)
            ),
            key=lambda cover: (cover[0], len(cover[1])),
        ))
    return best[-1][1]


PLANS: dict[str, Plan] = {
    "one range": nested, "the same in pieces": in_pieces, "due days": only_due, "cheapest cover": cheapest_cover,
}
ANY = Costs(1, 1)


def lengths_of(tiers: tuple[Tier, ...], plan: Plan, costs: Costs) -> Counter[int]:
    """Return how often each length of a range is requested in a cycle, for an account that is read when it is due."""
    return _lengths(tiers, plan, costs if plan in (in_pieces, cheapest_cover) else ANY)


@functools.cache
def _lengths(tiers: tuple[Tier, ...], plan: Plan, costs: Costs) -> Counter[int]:
    read_on: dict[dt.date, dt.date] = {}
    lengths: Counter[int] = Counter()
    for number in range(WARM_UP + CYCLE):
        today = FIRST + dt.timedelta(days=number)
        for requested in plan(list(due(today, read_on, tiers)), costs, today - dt.timedelta(days=1)):
            read_on |= dict.fromkeys(requested.days, today)
            lengths[len(requested.days)] += number >= WARM_UP
    return lengths


def calls_a_day(lengths: Mapping[int, int], costs: Costs) -> float:
    """Return the calls per day of all reports of an account."""
    return REPORTS * sum(count * costs.of(days) for days, count in lengths.items()) / CYCLE


def every(tiers: tuple[Tier, ...], age: int) -> int:
    """Return how many days a day of that age may be stale."""
    return next(tier.every for tier in tiers if age <= tier.age)


def keeps(tiers: tuple[Tier, ...], promise: tuple[Tier, ...] = PROMISE) -> bool:
    """Return whether no day is staler than promised."""
    return all(every(tiers, age) <= every(promise, age) for age in range(1, STABLE_AFTER_DAYS + 1))


def tapers(ages: Sequence[int], promise: tuple[Tier, ...] = PROMISE) -> Iterator[tuple[Tier, ...]]:
    """Yield every taper with steps at those ages that keeps the promise, each once."""
    everies = [range(1, every(promise, age) + 1) for age in ages]
    for chosen in itertools.product(*everies):
        if list(chosen) == sorted(chosen):
            steps = [
                Tier(age, each) for n, (age, each) in enumerate(zip(ages, chosen, strict=True))
                if each != (*chosen[1:], 0)[n]
            ]
            if keeps(tuple(steps), promise):
                yield tuple(steps)


def spelled(tiers: tuple[Tier, ...]) -> str:
    """Return a taper in the form of the setting."""
    return ",".join(f"{tier.age}:{tier.every}" for tier in tiers)


def cheapest(plan: Plan, costs: Costs, among: Sequence[tuple[Tier, ...]]) -> tuple[float, tuple[Tier, ...]]:
    """Return the taper that costs the fewest calls a day, and these calls; of equal ones the least frequent reads."""
    costs_by_tiers = [(calls_a_day(lengths_of(tiers, plan, costs), costs), tiers) for tiers in among]
    least = min(calls for calls, _ in costs_by_tiers)
    return [(calls, tiers) for calls, tiers in costs_by_tiers if calls == least][-1]


# Days of these ages are read again within so many days; the last read is at 29 to 35, that is, every 7 days.
STEPS = (*((tier.age, tier.every) for tier in PROMISE[:-1]), (LAST_READ_AGE, PROMISE[-1].every))
# Any other length has the same effect as the next shorter one of these.
LENGTHS = sorted({age - late for age, every_days in STEPS for late in range(every_days)})

# For every step and each of the coming days: whether the oldest age of the step has been read recently enough.
ReadLately = tuple[tuple[bool, ...], ...]


def after(state: ReadLately, length: int) -> ReadLately | None:
    """Return the state after a read of the `length` days up to yesterday; None when the promise is broken today. A day
    that is read now is older when a later day is checked."""
    now = tuple(
        tuple(was or length + late >= age for late, was in enumerate((*before, False)))
        for (age, _), before in zip(STEPS, state, strict=True)
    )
    return tuple(days[1:] for days in now) if all(days[0] for days in now) else None


@functools.cache
def timetables() -> dict[ReadLately, dict[int, ReadLately]]:
    """Return every state that is reachable while the promise is kept, with its next states by length of the range."""
    following: dict[ReadLately, dict[int, ReadLately]] = {}
    todo: list[ReadLately] = [tuple((True,) * (within - 1) for _, within in STEPS)]
    while todo:
        state = todo.pop()
        if state not in following:
            following[state] = {length: then for length in LENGTHS if (then := after(state, length)) is not None}
            todo.extend(following[state].values())
    return following


def least_calls(plan: Plan, costs: Costs) -> float:
    """Return the fewest calls a day of any timetable of one range a day that keeps the promise: the cycle of smallest
    mean cost (Karp)."""
    ranges_of = {length: plan([FIRST], costs, FIRST + dt.timedelta(length - 1)) for length in LENGTHS}
    calls = {length: sum(costs.of(len(part.days)) for part in ranges) for length, ranges in ranges_of.items()}
    graph = timetables()
    walks: list[dict[ReadLately, float]] = [dict.fromkeys(graph, 0.0)]
    for _ in graph:
        longer = dict.fromkeys(graph, math.inf)
        for state, following in graph.items():
            for length, then in following.items():
                longer[then] = min(longer[then], walks[-1][state] + calls[length])
        walks.append(longer)
    count = len(graph)
    return REPORTS * min(
        max((walks[count][state] - walks[n][state]) / (count - n) for n in range(count) if walks[n][state] < math.inf)
        for state in graph if walks[count][state] < math.inf
    )
