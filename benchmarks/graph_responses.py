"""Responses that no Graph would send, through the real client: nothing but a MetaPipelineError comes out.

    python benchmarks/graph_responses.py [--responses 100000] [--chunk 3000] [--workers 2]

Hypothesis generates statuses, headers, encodings, depths, cursors, batches, broken transfers and hosts that send a byte
now and then. The bytes go through `requests`, urllib3 and http.client on a virtual clock. Every chunk runs in a process
of its own; the figures are responses, calls, the errors that came out by name, the longest call in virtual seconds and
the most memory of a process. Fails beyond 256 MiB, beyond the deadline of a call, or with any other exception."""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import re
import sys
import time
from pathlib import Path

from harness.checked_calls import Chunk, check, run
from harness.response_strategies import BOMBS, bomb_answer
from meta_pipeline.graph.bounds import CALL_DEADLINE_S

MOST_MIB = 256


def peak_mib() -> float:
    """Return the most memory this process had. `getrusage` would begin with the size of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / (1024 if sys.platform == "darwin" else 1)


def chunk(job: tuple[int, int]) -> Chunk:
    """Run examples from a seed; the first chunk begins with every bomb."""
    examples, seed = job
    figures = Chunk()
    if seed == 0:
        for kind, call in itertools.product(BOMBS, ("get", "batches")):
            figures.note(check(call, [bomb_answer(kind)]))
    run(examples, seed=seed, note=figures.note)
    figures.mib = peak_mib()
    return figures


def main() -> None:
    """Run all of them and print the figures."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--responses", type=int, default=100_000)
    options.add_argument("--chunk", type=int, default=3_000)
    options.add_argument("--workers", type=int, default=2)
    requested = options.parse_args()
    started, total = time.perf_counter(), Chunk()
    examples, chunk_size = -(-requested.responses // 3), requested.chunk // 3  # three responses each
    sizes = [min(chunk_size, examples - at) for at in range(0, examples, chunk_size)]
    with multiprocessing.get_context("spawn").Pool(requested.workers, maxtasksperchild=1) as pool:
        for figures in pool.imap_unordered(chunk, [(size, seed) for seed, size in enumerate(sizes)], chunksize=1):
            total.errors += figures.errors
            total.responses, total.calls = total.responses + figures.responses, total.calls + figures.calls
            total.longest_s, total.mib = max(total.longest_s, figures.longest_s), max(total.mib, figures.mib)
    print(
        f"{total.responses:,} responses, {total.calls:,} HTTP calls in "
        f"{time.perf_counter() - started:.0f} s: nothing but a MetaPipelineError; the longest call "
        f"{total.longest_s:.0f} of {CALL_DEADLINE_S:.0f} virtual seconds, the largest process "
        f"{total.mib:.0f} of {MOST_MIB} MiB"
    )
    print(", ".join(f"{name} {count:,}" for name, count in total.errors.most_common()))
    if total.mib > MOST_MIB:
        raise SystemExit(f"a process took {total.mib:.0f} MiB")


if __name__ == "__main__":
    main()
