"""A storm of webhooks on `serve`, which is killed in the middle: each genuine change is stored once, no forged one is.

    python benchmarks/webhooks.py [--posts 1000] [--rate 100] [--fuzzed 10000]

20 % of the posts repeat an earlier one, 1 % are signed with another secret. Prints the median, the 99th percentile and
the maximum of the response times."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from harness.home import make_home
from harness.sandbox import serving
from harness.webhooks.fuzzed import check_fuzzed
from harness.webhooks.storm import VERIFY_TOKEN, Storm, posts_of

LONGEST_P99_S = 0.2


def main() -> None:
    """Print the counts and the times; exit 1 when a change is missing or doubled, or responses are too slow."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--posts", type=int, default=1000)
    arguments.add_argument("--rate", type=float, default=100.0)
    arguments.add_argument("--fuzzed", type=int, default=10_000)
    options = arguments.parse_args()
    posts = posts_of(options.posts, duplicates=0.2, forged=0.01, seed=1)
    with tempfile.TemporaryDirectory() as folder, serving() as sandbox:
        home = make_home(Path(folder), sandbox, META_PIPELINE_WEBHOOK_VERIFY_TOKEN=VERIFY_TOKEN)
        storm = Storm(home, sandbox.app["app_secret"])
        storm.run(posts, rate=options.rate)
        stored = sorted(entry.change.time for entry in storm.entries())
        acted_on = len(storm.acted_on())
    numbers = {post.number for post in posts if not post.is_forged}
    forged = {post.number for post in posts if post.is_forged}
    hundredths = statistics.quantiles(storm.seconds, n=100)
    p99_s = hundredths[98]
    print(f"{len(posts)} posts, {len(posts) - len(numbers) - len(forged)} of them repeated, {len(forged)} forged")
    print(f"{len(stored)} changes stored of {len(numbers)}, {acted_on} read")
    print(f"responses: median {statistics.median(storm.seconds) * 1000:.1f} ms, p99 {p99_s * 1000:.1f} ms, "
          f"longest {max(storm.seconds) * 1000:.1f} ms")
    check_fuzzed(options.fuzzed)
    print(f"{options.fuzzed} fuzzed bodies: each accepted or refused with a sentence")
    if len(stored) != len(numbers) or acted_on != len(numbers) or p99_s > LONGEST_P99_S:
        sys.exit("a change is missing or doubled, or the responses are too slow")


if __name__ == "__main__":
    main()
