"""Eight workers, twenty accounts, a budget for a third of the work: no worker is blocked, and little time is lost."""

from __future__ import annotations

import datetime as dt
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from harness.virtual_clock import SandboxAdapter, VirtualClock
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import ThrottledError
from meta_pipeline.graph.limits.budget import SharedBudget
from meta_pipeline.graph.limits.rate_limits import Charge, charges
from meta_pipeline.graph.request import CallContext
from meta_pipeline.records import AccessToken
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.store.coordination.processes import identity
from meta_pipeline.store.engine import open_store
from meta_pipeline.store.schema.gateway import reservations

WORKERS, ACCOUNTS, SCORE, DECAY_S = 8, 20, 20, 300.0
CALLS_EACH = 3 * SCORE
LONGEST_WAIT_S = 10.0


class Storm:
    """The work that is left, and the workers that share it."""

    def __init__(self, path: Path) -> None:
        self.clock = VirtualClock()
        self.graph = Graph(seed=1, now=None, accounts=ACCOUNTS)
        self.graph.clock = self.clock.now
        self.graph.limits.configure({"tier": "development_access", "score": SCORE})
        self.token = AccessToken(kind="system_user", value=self.graph.identity.system_user_token)
        self.url = f"sqlite:///{path / 'control.sqlite'}"
        self.engine = open_store(self.url)
        self.left = {f"act_{account_id}": CALLS_EACH for account_id in self.graph.world.accounts}
        self.due = dict.fromkeys(self.left, 0.0)
        self.held: set[str] = set()
        self.done: Counter[str] = Counter()
        self.halfway: list[dict[str, int]] = []
        self.given_back = 0

    def client(self, holder: str) -> GraphClient:
        budget = SharedBudget(
            self.engine, app_id="1", now=self.clock.now, sleep=self.clock.sleep, longest_wait_s=LONGEST_WAIT_S,
            holder=holder,
        )
        return GraphClient(
            graph_url="http://sandbox", app_id="1", app_secret=None, graph_version="v24.0", marketing_version="v26.0",
            audit=lambda event: None, budget=budget, sleep=self.clock.sleep, now=self.clock.now,
            adapter=SandboxAdapter(self.graph, self.clock),
        )

    def work(self, holder: str, *, dies_after: int | None = None) -> None:
        """Read the account that has been due longest until its budget says wait, then the next one, as a worker does."""
        client, sent = self.client(holder), 0
        while any(self.left.values()):
            free = [account for account, count in self.left.items() if count and account not in self.held]
            if not free:
                self.clock.sleep(1.0)
                continue
            account = min(free, key=lambda account: (self.due[account], -self.left[account]))
            if self.due[account] > self.clock.seconds:
                self.clock.sleep(min(1.0, self.due[account] - self.clock.seconds))
                continue
            self.held.add(account)
            bound = client.on(CallContext(node_id=account, purpose="backfill"))
            try:
                while self.left[account]:
                    if dies_after is not None and sent >= dies_after:
                        bound._budget.admit(_charged(account), purpose="backfill")  # type: ignore[union-attr]
                        return  # killed while it holds a reservation
                    bound.get(f"{account}/ads", {"fields": "id", "limit": 1}, token=self.token, kind=CallKind.AD_OBJECTS)
                    sent += 1
                    self.left[account] -= 1
                    self.done[account] += 1
                    if sum(self.done.values()) == ACCOUNTS * CALLS_EACH // 2:
                        self.halfway.append(dict(self.done))
            except ThrottledError as error:
                self.due[account] = self.clock.seconds + error.retry_after
                self.given_back += 1
            finally:
                self.held.discard(account)


def _charged(account: str) -> tuple[Charge, ...]:
    return charges(CallKind.AD_OBJECTS, f"{account}/ads", account)


@pytest.fixture
def storm(tmp_path: Path) -> Storm:
    return Storm(tmp_path)


def test_all_work_is_done_fairly_and_unblocked_in_little_more_time_than_the_budget_needs(storm: Storm) -> None:
    process = subprocess.Popen(["sleep", "600"])
    programs = [lambda: storm.work(identity()) for _ in range(WORKERS - 1)]

    def killed() -> None:
        storm.work(identity(process.pid), dies_after=40)
        process.kill()
        process.wait()

    storm.clock.run(*programs, killed)

    # The shortest possible time: a full budget at once, the rest as it refills.
    shortest_s = (CALLS_EACH - SCORE) / SCORE * DECAY_S
    limits = storm.graph.limits.configure({})
    print(f"virtual {storm.clock.seconds:.0f} s, at least {shortest_s:.0f} s, given back {storm.given_back} times")
    assert all(storm.done[account] == CALLS_EACH for account in storm.left)
    assert limits["sent_while_blocked"] == {}
    assert not any(share.blocked_until for share in storm.graph.limits.budgets.values())
    assert storm.clock.seconds <= 1.15 * shortest_s
    assert storm.given_back > 0
    assert min(storm.halfway[0].values()) >= 0.7 * max(storm.halfway[0].values())


def test_the_reservations_of_a_killed_worker_are_released(storm: Storm) -> None:
    process = subprocess.Popen(["sleep", "600"])
    storm.clock.run(lambda: storm.work(identity(process.pid), dies_after=0))
    process.kill()
    process.wait()

    with storm.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(reservations)).scalar_one() > 0
    storm.clock.run(lambda: storm.work(identity()))
    with storm.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(reservations)).scalar_one() == 0
    assert all(count == 0 for count in storm.left.values())


def test_a_reservation_of_another_host_ends_with_its_lease(storm: Storm) -> None:
    storm.clock.run(lambda: storm.work("elsewhere:1:1", dies_after=0))
    account = next(iter(storm.left))
    began = storm.clock.now()

    def one_call() -> None:
        client = storm.client(identity()).on(CallContext(node_id=account))
        while True:
            try:
                client.get(f"{account}/ads", {"limit": 1}, token=storm.token, kind=CallKind.AD_OBJECTS)
                return
            except ThrottledError as error:
                storm.clock.sleep(error.retry_after)

    storm.clock.run(one_call)
    assert storm.clock.now() - began > dt.timedelta(seconds=200)
