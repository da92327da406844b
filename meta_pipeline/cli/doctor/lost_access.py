"""Compare a home with what it had when `doctor` ran last: nodes that can be read, owners, tokens. The last summary is
HOME/doctor.json."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.doctor.findings import Finding, at, some
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store import access
from meta_pipeline.store.node_links import list_links

_NAME = "lost since the last run"


def examine(runtime: Runtime, *, now: dt.datetime) -> Iterator[Finding]:
    """Yield what the last summary had and this one lacks, then keep this one."""
    file = runtime.settings.root / "doctor.json"
    try:
        before, current = _read(file), summary(runtime)
    except MetaPipelineError:
        yield Finding(_NAME, True, "not compared, because the vault can't be opened")
        return
    _write(file, {"at": now.isoformat(), **current})
    if before is None:
        yield Finding(_NAME, True, "this is the first run; the next one compares")
        return
    since = at(dt.datetime.fromisoformat(before["at"]), now=now)
    found = list(_lost(before, current))
    yield from (Finding(_NAME, False, told) for told in found)
    if not found:
        yield Finding(_NAME, True, f"nothing ({since})")


def summary(runtime: Runtime) -> dict[str, dict[str, str]]:
    """Return the names of the nodes that a token can read, the owners that are known, and the tokens that live."""
    usable, links = access.usable_by_node(runtime.engine), list_links(runtime.engine)
    people = [ref for ref in runtime.vault.refs() if ref.parent_ref is None and ref.kind != "page"]
    return {
        "nodes": {link.id: link.name for link in links if link.id in usable},
        "owners": {link.id: link.owner_business for link in links if link.owner_business},
        "tokens": {ref.id: ref.subject_name for ref in people},
    }


def _lost(before: dict[str, Any], current: dict[str, dict[str, str]]) -> Iterator[str]:
    if tokens := _gone(before, current, "tokens"):
        verb = "is" if len(tokens) == 1 else "are"
        yield f"the {counted(len(tokens), 'token')} of {some(tokens)} {verb} dead or gone: run `meta-pipeline connect`"
    if nodes := _gone(before, current, "nodes"):
        yield (
            f"{counted(len(nodes), 'node')} can no longer be read ({some(nodes)}): connect somebody who has access, "
            "see `meta-pipeline vault list`"
        )
    if owners := [before["nodes"].get(id, id) for id in before.get("owners", {}) if id not in current["owners"]]:
        yield (
            f"the owner of {counted(len(owners), 'node')} is no longer known ({some(owners)}): connect again and grant "
            "business_management"
        )


def _gone(before: dict[str, Any], current: dict[str, dict[str, str]], kind: str) -> list[str]:
    return [str(name) for id, name in before.get(kind, {}).items() if id not in current[kind]]


def _read(file: Path) -> dict[str, Any] | None:
    """Return the last summary; None before the first, and when it can't be read."""
    try:
        found = json.loads(file.read_bytes())
        dt.datetime.fromisoformat(found["at"])
        return {"nodes": {}, **found}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(file: Path, content: dict[str, Any]) -> None:
    beside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    beside.touch(mode=0o600)
    beside.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    beside.replace(file)
