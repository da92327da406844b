"""The availability of a node's metrics: answered, empty or dead. A dead metric is not requested again for a while."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from meta_pipeline.store.pulls import metric_states
from meta_pipeline.store.pulls.metric_states import MetricState

# How often a dead metric is requested again, alone: Meta has reintroduced names.
PROBE_EVERY = dt.timedelta(days=7)


class Availability:
    """The availability of the metrics of one report of one node, from earlier reads and from this one.

    `applies_to` separates types of media, whose metrics differ."""

    def __init__(self, engine: sa.Engine, *, node_id: str, report: str, now: dt.datetime) -> None:
        self._engine, self._node_id, self._report, self._now = engine, node_id, report, now
        self._states = {
            (state.applies_to, state.metric): state
            for state in metric_states.find_all(engine, node_id=node_id, report=report)
        }
        self._answered: set[tuple[str, str]] = set()
        self._requested: set[tuple[str, str]] = set()

    def live(self, metrics: Sequence[str], applies_to: str = "") -> tuple[str, ...]:
        """Return the metrics that are not known to be dead."""
        return tuple(name for name in metrics if not self._is_dead(applies_to, name))

    def is_proven(self, metrics: Sequence[str], applies_to: str = "") -> bool:
        """Check that the state of each of these metrics is stored: then a request without the dead ones can't fail for
        an unknown dead metric, unless Meta has retired one since."""
        return all((applies_to, name) in self._states for name in metrics)

    def is_known_to_be_empty(self, metrics: Sequence[str], applies_to: str = "") -> bool:
        """Check that none of these metrics had a value when it was requested before."""
        states = [self._states.get((applies_to, name)) for name in metrics]
        return all(state is not None and state.empty_since is not None for state in states)

    def to_probe(self, metrics: Sequence[str], applies_to: str = "") -> tuple[str, ...]:
        """Return the dead metrics whose last request is long enough ago."""
        return tuple(
            name for name in metrics
            if self._is_dead(applies_to, name)
            and self._now - (self._states[applies_to, name].probed_at or self._now) >= PROBE_EVERY
        )

    def record_dead(self, metric: str, reason: str, applies_to: str = "") -> None:
        """Record that Meta refused the name, for this reason."""
        state = self._state(applies_to, metric)
        self._states[applies_to, metric] = dataclasses.replace(
            state, dead_since=state.dead_since or self._now, probed_at=self._now, reason=reason, requested_at=self._now
        )

    def record_alive(self, metric: str, applies_to: str = "") -> None:
        """Record that Meta accepts the name again."""
        self._states[applies_to, metric] = dataclasses.replace(
            self._state(applies_to, metric), dead_since=None, probed_at=None, reason=None
        )

    def record_requested(self, metrics: Iterable[str], applies_to: str = "") -> None:
        """Record that Meta answered a request of these metrics, with or without values."""
        self._requested |= {(applies_to, name) for name in metrics}

    def record_answered(self, metrics: Iterable[str], applies_to: str = "") -> None:
        """Record that these metrics had a value."""
        self._answered |= {(applies_to, name) for name in metrics}

    def withdraw(self) -> None:
        """Discard what this read recorded as requested: the token lacks a permission, so its answers prove nothing."""
        self._requested.clear()

    def save(self) -> None:
        """Store the results of this read."""
        for key in self._requested - {key for key in self._requested if self._is_dead(*key)}:
            state = self._state(*key)
            is_empty = key not in self._answered
            self._states[key] = dataclasses.replace(
                state, requested_at=self._now,
                answered_at=state.answered_at if is_empty else self._now,
                empty_since=(state.empty_since or self._now) if is_empty else None,
            )
        metric_states.save(self._engine, self._states.values())

    def _is_dead(self, applies_to: str, metric: str) -> bool:
        state = self._states.get((applies_to, metric))
        return state is not None and state.dead_since is not None

    def _state(self, applies_to: str, metric: str) -> MetricState:
        return self._states.get((applies_to, metric)) or MetricState(
            node_id=self._node_id, report=self._report, applies_to=applies_to, metric=metric, requested_at=self._now
        )
