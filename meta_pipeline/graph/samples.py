"""Store requests and responses for debugging: switched on by a setting, redacted, and limited in number."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from meta_pipeline.graph.redaction import redacted

MOST_BYTES = 64 * 1024


class Samples:
    """A folder with the newest `most` calls of all processes, one JSON file each, named by time."""

    def __init__(self, folder: Path, *, most: int) -> None:
        self._folder = folder
        self._most = most

    def write(
        self, method: str, path: str, params: Mapping[str, str], status: int, body: bytes, secret: Collection[str]
    ) -> None:
        """Write the call without these secrets and without anything that looks like one."""
        if self._most <= 0:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        sample = {
            "method": method, "path": path, "status": status,
            "params": {name: redacted(value, secret) for name, value in params.items()}, "bytes": len(body),
            "body": redacted(body[:MOST_BYTES].decode("utf-8", "replace"), secret),
        }
        file = self._folder / f"{time.time_ns()}-{secrets.token_hex(2)}.json"
        file.write_text(json.dumps(sample, ensure_ascii=False, indent=1))
        for old in sorted(self._folder.glob("*.json"))[: -self._most]:
            old.unlink(missing_ok=True)
