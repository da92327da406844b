"""`python -m meta_pipeline.cli.demo SANDBOX_URL NOW`: run the pulls of the demo and print the result as JSON."""

from __future__ import annotations

import datetime as dt
import json
import sys

from meta_pipeline.bootstrap import process_runtime
from meta_pipeline.cli.demo.pulls import run_pulls
from meta_pipeline.cli.output import terminal
from meta_pipeline.records import MetaPipelineError


def main() -> None:
    """Run the pulls; exit 0 when everything landed and was published, 1 otherwise."""
    sandbox_url, now = sys.argv[1:]
    try:
        result = run_pulls(process_runtime(), sandbox_url, now=dt.datetime.fromisoformat(now))
    except MetaPipelineError as error:
        sys.exit(terminal.line(f"error: {error}"))
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(result))
    sys.exit(1 if result["failed"] else 0)


if __name__ == "__main__":
    main()
