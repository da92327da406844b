"""The check of what was lost since `doctor` ran last: readable nodes, owners, tokens. HOME/doctor.json has the last
snapshot."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.doctor.check_result import CheckResult, describe_time, list_first
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store.connections import access
from meta_pipeline.store.connections.node_links import list_links

_NAME = "lost since the last run"


def check_lost_access(runtime: Runtime, *, now: dt.datetime) -> Iterator[CheckResult]:
    """Yield a result for each loss since the last snapshot, and write the current snapshot."""
    file = runtime.settings.root / "doctor.json"
    try:
        previous, current = _read(file), take_snapshot(runtime)
    except MetaPipelineError:
        yield CheckResult(_NAME, True, "not compared, because the vault can't be opened")
        return
    _write(file, {"at": now.isoformat(), **current})
    if previous is None:
        yield CheckResult(_NAME, True, "this is the first run; the next one compares")
        return
    since = describe_time(dt.datetime.fromisoformat(previous["at"]), now=now)
    losses = list(_describe_losses(previous, current))
    yield from (CheckResult(_NAME, False, loss) for loss in losses)
    if not losses:
        yield CheckResult(_NAME, True, f"nothing ({since})")


def take_snapshot(runtime: Runtime) -> dict[str, dict[str, str]]:
    """Return names by id: the nodes that a token can read, the owners of nodes, and the tokens that are not retired."""
    usable, links = access.usable_by_node(runtime.engine), list_links(runtime.engine)
    people = [ref for ref in runtime.vault.refs() if ref.parent_ref is None and ref.kind != "page"]
    return {
        "nodes": {link.id: link.name for link in links if link.id in usable},
        "owners": {link.id: link.owner_business for link in links if link.owner_business},
        "tokens": {ref.id: ref.subject_name for ref in people},
    }


def _describe_losses(previous: dict[str, Any], current: dict[str, dict[str, str]]) -> Iterator[str]:
    if tokens := _missing(previous, current, "tokens"):
        verb = "is" if len(tokens) == 1 else "are"
        count = counted(len(tokens), "token")
        yield f"the {count} of {list_first(tokens)} {verb} dead or gone: run `meta-pipeline connect`"
    if nodes := _missing(previous, current, "nodes"):
        yield (
            f"{counted(len(nodes), 'node')} can no longer be read ({list_first(nodes)}): connect somebody who has "
            "access, see `meta-pipeline vault list`"
        )
    if owners := [previous["nodes"].get(id, id) for id in previous.get("owners", {}) if id not in current["owners"]]:
        yield (
            f"the owner of {counted(len(owners), 'node')} is no longer known ({list_first(owners)}): connect again "
            "and grant business_management"
        )


def _missing(previous: dict[str, Any], current: dict[str, dict[str, str]], kind: str) -> list[str]:
    return [str(name) for id, name in previous.get(kind, {}).items() if id not in current[kind]]


def _read(file: Path) -> dict[str, Any] | None:
    """Return the last snapshot; None before the first, and when it can't be parsed."""
    try:
        snapshot = json.loads(file.read_bytes())
        dt.datetime.fromisoformat(snapshot["at"])
        return {"nodes": {}, **snapshot}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(file: Path, content: dict[str, Any]) -> None:
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    temporary.replace(file)
