"""Responses that no Graph would send, through the real client, which must raise only MetaPipelineError.

    python benchmarks/graph_responses.py [--responses 100000] [--chunk 3000] [--workers 2]

Hypothesis generates statuses, headers, encodings, depths, cursors, batches, broken transfers and hosts that send single
bytes with long pauses. The bytes go through `requests`, urllib3 and http.client on a virtual clock. Every chunk makes
its calls in a process that does nothing else, so that its memory is the client's. Prints the most memory of each
process, then responses, calls, the longest call in virtual seconds and the raised errors by name. Fails beyond 256 MiB,
beyond the deadline of a call, or with any other exception."""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import time

from harness.calls.call_process import MOST_MIB, CallProcess
from harness.calls.generated_calls import Chunk, run
from harness.calls.response_strategies import BOMBS, bomb_answer, long_page
from meta_pipeline.graph.http.bounds import CALL_DEADLINE_S


def chunk(job: tuple[int, int]) -> tuple[int, Chunk]:
    """Run examples from a seed and return it with their figures; the first chunk begins with every bomb."""
    examples, seed = job
    figures = Chunk()
    with CallProcess() as process:
        if seed == 0:
            for kind, call, status in itertools.product(BOMBS, ("get", "batches"), (200, 500)):
                figures.note(process.check(call, [bomb_answer(kind, status=status)]))
            figures.note(process.check("batches", [long_page(after) for after in "ABC"]))
        run(examples, process=process, note=figures.note, seed=seed)
    return seed, figures


def printed(figures: Chunk) -> str:
    """Return the memory of a chunk's process and the call that took it."""
    largest = figures.largest
    return f"{figures.mib:.0f} MiB" + (f" ({largest.call}: {largest.error})" if largest is not None else "")


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
        for seed, figures in pool.imap_unordered(chunk, [(size, seed) for seed, size in enumerate(sizes)], chunksize=1):
            print(f"chunk {seed:>3}: {figures.responses:,} responses, {printed(figures)}", flush=True)
            total.add(figures)
    print(
        f"{total.responses:,} responses, {total.calls:,} HTTP calls in "
        f"{time.perf_counter() - started:.0f} s: only MetaPipelineError was raised; the longest call "
        f"{total.longest_s:.0f} of {CALL_DEADLINE_S:.0f} virtual seconds, the largest process "
        f"{printed(total)} of {MOST_MIB} MiB"
    )
    print(", ".join(f"{name} {count:,}" for name, count in total.errors.most_common()))
    if total.mib > MOST_MIB:
        raise SystemExit(f"a process took {printed(total)}")


if __name__ == "__main__":
    main()
