"""Calls against generated responses, checked in a separate process, and the figures of many of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from harness.calls.call_process import CallProcess
from harness.calls.checked_calls import CALLS, Outcome
from harness.calls.response_strategies import answers
from harness.calls.scripted_transport import Scripted


def run(
    examples: int, *, process: CallProcess, note: Callable[[Outcome], None], seed: int | None = None,
    phases: Sequence[Phase] = (Phase.generate,),
) -> None:
    """Generate `examples` examples and check each in `process`.

    `note` receives the memory of the process, which is not checked here: the peak never falls, so after one example
    that takes too much, all later ones would fail too."""

    @settings(
        max_examples=examples, database=None, deadline=None, phases=phases, suppress_health_check=list(HealthCheck),
    )
    @given(call=st.sampled_from(CALLS), script=st.lists(answers(), min_size=3, max_size=3))
    def checked(call: str, script: list[Scripted]) -> None:
        note(process.check(call, script))

    (hypothesis.seed(seed)(checked) if seed is not None else checked)()


@dataclass
class Chunk:
    """The figures of many calls. `largest`: the one after which the process had taken the most memory."""

    errors: Counter[str] = field(default_factory=Counter)
    responses: int = 0
    calls: int = 0
    longest_s: float = 0.0
    largest: Outcome | None = None

    def note(self, outcome: Outcome) -> None:
        """Add an outcome."""
        self.errors[outcome.error] += 1
        self.responses += outcome.responses
        self.calls += outcome.calls
        self.longest_s = max(self.longest_s, outcome.longest_s)
        self._compare(outcome)

    def add(self, other: Chunk) -> None:
        """Add the figures of another process."""
        self.errors += other.errors
        self.responses += other.responses
        self.calls += other.calls
        self.longest_s = max(self.longest_s, other.longest_s)
        if other.largest is not None:
            self._compare(other.largest)

    def _compare(self, outcome: Outcome) -> None:
        if self.largest is None or outcome.mib > self.largest.mib:
            self.largest = outcome

    @property
    def mib(self) -> float:
        """Return the most memory of the process that made the calls."""
        return self.largest.mib if self.largest is not None else 0.0
