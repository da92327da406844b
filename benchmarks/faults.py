"""Every fault of the sandbox at every kind of call of a Page and an Instagram account, once and six times.

Landed values are true, missing days and values have a reason, and when the faults are over everything lands.

    python benchmarks/faults.py [--kind page]

In this process, on a clock without waiting. `meta_pipeline_tests/flows/test_faults.py` runs a share of it."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from harness.faults.faulty_node_pull import FaultyNodePull, cases, faulty_world
from harness.nodes.node_truth import NodeTruth, control_of
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT, KINDS_BY_NAME, PAGE, NodeKind


def run_case(kind: NodeKind, fault: str, place: str, times: int, *, truth: NodeTruth) -> str | None:
    """Return a sentence when the outcome of a case is wrong, None when it is right."""
    with tempfile.TemporaryDirectory() as folder:
        pull = FaultyNodePull(Path(folder), kind, truth=truth)
        try:
            pull.plan(fault, place, times)
            pull.run()
            pull.never_wrong()
            outcome = pull.recover()
        except AssertionError as error:
            return str(error)
    is_whole = outcome == {"landed": len(pull.requested()), "failed": 0, "dead": 0}
    return None if is_whole else f"after the trouble {outcome}"


def main() -> None:
    """Print the number of cases and every failed one."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--kind", choices=[PAGE.name, INSTAGRAM_ACCOUNT.name], action="append")
    kinds = [KINDS_BY_NAME[name] for name in arguments.parse_args().kind or (PAGE.name, INSTAGRAM_ACCOUNT.name)]
    truth, begun, wrong, count = NodeTruth(control_of(faulty_world())), time.monotonic(), 0, 0
    for kind in kinds:
        for fault, place, times in cases(kind):
            count += 1
            if sentence := run_case(kind, fault, place, times, truth=truth):
                wrong += 1
                print(f"{kind.name}: {fault} {times} times at {place}: {sentence}", flush=True)
    print(f"{count} cases, {wrong} wrong, {time.monotonic() - begun:.0f} s")
    if wrong:
        sys.exit(1)


if __name__ == "__main__":
    main()
