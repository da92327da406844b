"""Eight processes read twenty accounts on a budget for a third of the work, over HTTP, on a sandbox with a fast clock.

    python benchmarks/storm.py [--speed 20] [--score 20]

Prints the virtual seconds compared with the least that the budget allows, calls sent while blocked, and how evenly the
accounts were served. One of the processes is killed in the middle."""

from __future__ import annotations

import argparse
import datetime as dt
import multiprocessing as mp
import subprocess
import sys
import tempfile
import time
from multiprocessing.managers import DictProxy
from pathlib import Path
from typing import Any

import requests

from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import ThrottledError
from meta_pipeline.graph.limits.budget import SharedBudget
from meta_pipeline.graph.request import CallContext
from meta_pipeline.records import AccessToken
from meta_pipeline.store.engine import open_store

PROCESSES, ACCOUNTS, DECAY_S = 8, 20, 300.0


def work(url: str, store: str, token: str, speed: float, base: tuple[float, float], left: Any, lock: Any) -> None:
    """Read the account that has been due longest, until its budget has no room; then the next one."""

    def now() -> dt.datetime:
        return dt.datetime.fromtimestamp(base[1] + (time.time() - base[0]) * speed, dt.UTC)

    def sleep(seconds: float) -> None:
        time.sleep(seconds / speed)

    engine = open_store(store)
    budget = SharedBudget(engine, app_id="1", now=now, sleep=sleep, longest_wait_s=10.0)
    client = GraphClient(
        graph_url=url, app_id="1", app_secret=None, graph_version="v24.0", marketing_version="v26.0",
        audit=lambda event: None, budget=budget, sleep=sleep, now=now,
    )
    secret = AccessToken(kind="system_user", value=token)
    while True:
        with lock:
            at = now().timestamp()
            free = [(due, account) for account, (count, due, held_until) in left.items() if count and held_until < at]
            if not free:
                if not any(count for count, _, _ in left.values()):
                    return
                due, account = at + 1, ""
            else:
                due, account = min(free)
            if account and due <= at:
                count, _, _ = left[account]
                left[account] = (count, due, at + 120)  # a lease: a killed process's account is free again after it
        if not account or due > at:
            sleep(min(2.0, max(0.2, due - at)))
            continue
        bound, wait = client.on(CallContext(node_id=account, purpose="backfill")), 0.0
        while count:
            try:
                bound.get(f"{account}/ads", {"fields": "id", "limit": 1}, token=secret, kind=CallKind.AD_OBJECTS)
            except ThrottledError as error:
                wait = error.retry_after
                break
            count -= 1
            with lock:
                left[account] = (count, due, now().timestamp() + 120)
        with lock:
            left[account] = (count, now().timestamp() + wait, 0.0)


def main() -> None:
    """Run the storm once and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speed", type=float, default=20.0)
    parser.add_argument("--score", type=int, default=20)
    options = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, "-m", "meta_pipeline.cli", "sandbox", "--port", "0", "--accounts", str(ACCOUNTS), "--speed",
         str(options.speed)], stdout=subprocess.PIPE, text=True,
    )
    assert server.stdout
    try:
        url = server.stdout.readline().split()[1]
        app = requests.get(f"{url}/_sandbox/app", timeout=30).json()
        requests.post(
            f"{url}/_sandbox/limits", json={"tier": "development_access", "score": options.score}, timeout=30)
        shown = dt.datetime.fromisoformat(requests.get(f"{url}/_sandbox/clock", timeout=30).json()["now"])
        base = (time.time(), shown.timestamp())
        each = 3 * options.score
        with mp.Manager() as manager, tempfile.TemporaryDirectory() as folder:
            left: DictProxy[str, tuple[int, float, float]] = manager.dict(
                {f"act_{1000000001 + n}": (each, 0.0, 0.0) for n in range(ACCOUNTS)})
            arguments = (
                url, f"sqlite:///{Path(folder) / 'control.sqlite'}", app["system_user_token"], options.speed, base,
                left, manager.Lock(),
            )
            started = time.time()
            workers = [mp.Process(target=work, args=arguments) for _ in range(PROCESSES)]
            for worker in workers:
                worker.start()
            spread = 0.0
            while any(worker.is_alive() for worker in workers):
                time.sleep(0.2)
                done = [each - count for count, _, _ in left.values()]
                if sum(done) >= ACCOUNTS * each / 2 and not spread:
                    spread = min(done) / max(done)
                    workers[0].kill()
            took = (time.time() - started) * options.speed
        limits = requests.post(f"{url}/_sandbox/limits", json={}, timeout=30).json()
        alone = (each - options.score) / options.score * DECAY_S
        print(f"virtual {took:.0f} s, the budget alone {alone:.0f} s: ratio {took / alone:.2f}")
        admitted = sum(limits["let_in"].values())
        print(f"calls admitted: {admitted} of {ACCOUNTS * each}; one process was killed in the middle")
        print(f"calls sent while blocked: {sum(limits['sent_while_blocked'].values())}")
        print(f"half-way, the least served account had {spread:.0%} of what the most served had")
    finally:
        server.terminate()
        server.wait(timeout=10)


if __name__ == "__main__":
    main()
