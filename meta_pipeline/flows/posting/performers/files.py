"""Send files: a photo or a video in one call, or an upload that resumes after a broken connection."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from meta_pipeline.graph.errors import GraphError, TransientError
from meta_pipeline.graph.request import Piece
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.plans.applying import Run
from meta_pipeline.plans.plan import Plan
from meta_pipeline.plans.step import Created, Step, Values, nested
from meta_pipeline.records import AccessToken, ConfigError

ATTEMPTS = 4  # of one upload in one run
PAUSE_S = 5.0
_CHUNK = 1 << 20


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file; raise ConfigError for one that can't be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except (OSError, ValueError) as error:
        raise ConfigError(f"the file {path.name[:100]!r} can't be read: {type(error).__name__}") from error
    return digest.hexdigest()


def file_of(step: Step) -> Path:
    """Return the file of a step; raise ConfigError when it is not the one that was planned."""
    path = Path(str(step.local["path"]))
    if digest_of(path) != step.local.get("digest"):
        raise ConfigError(f"the file {path.name[:100]!r} has changed since it was planned: make a new plan")
    return path


def photo_file(
    step: Step, path: str, body: Mapping[str, Any], progress: dict[str, Any], *,
    save: Callable[[dict[str, Any]], None], run: Run, plan: Plan,
) -> Created:
    """Upload a photo that no post shows yet. A duplicate is harmless: Meta deletes photos that no post shows."""
    file = file_of(step)
    answer = repeated(lambda: run.graph.write(
        step.write, path, body, token=run.token, plan_id=plan.id, files={"source": (file.name, file.read_bytes())}
    ).object, run)
    return Created(object_id=id_in(answer, "id", step))


def video_file(
    step: Step, path: str, body: Mapping[str, Any], progress: dict[str, Any], *,
    save: Callable[[dict[str, Any]], None], run: Run, plan: Plan,
) -> Created:
    """Upload a video to a Page, which publishes it. After a lost answer, search for it before sending it again."""
    file, values = file_of(step), Values(plan.steps)
    for attempt in range(ATTEMPTS):
        if progress.get("is_sent") and (ids := run.reader.find(plan.step(step.name), values)):
            return Created(object_id=ids[0])
        save(progress := {**progress, "is_sent": True})
        try:
            answer = run.graph.write(
                step.write, path, body, token=run.token, plan_id=plan.id,
                files={"source": (file.name, file.read_bytes())},
            ).object
        except TransientError:
            if attempt + 1 == ATTEMPTS:
                raise
            continue
        return Created(object_id=id_in(answer, "id", step))
    raise AssertionError("unreachable")


def upload(
    step: Step, kind: WriteKind, address: str, arrived: Callable[[], tuple[bool, int]], *, run: Run, plan_id: str
) -> None:
    """Upload the file of a step, or let Meta fetch it, until everything has arrived. `arrived` returns whether it has,
    and how many bytes have."""
    token: AccessToken = run.token
    for attempt in range(ATTEMPTS):
        is_complete, offset = arrived()
        if is_complete:
            return
        try:
            if url := step.local.get("url"):
                run.graph.upload(kind, address, Piece(file_url=str(url)), token=token, plan_id=plan_id)
                return
            path = file_of(step)
            size = path.stat().st_size
            if offset >= size:
                raise ConfigError(f"Meta has {offset} bytes of {path.name[:100]!r}, which has {size}: make a new plan")
            with path.open("rb") as file:
                file.seek(offset)
                run.progress(f"uploading {path.name[:100]} from byte {offset} of {size}")
                run.graph.upload(
                    kind, address, Piece(content=file, offset=offset, size=size), token=token, plan_id=plan_id
                )
            return
        except TransientError as error:
            if attempt + 1 == ATTEMPTS:
                raise
            run.progress(f"the upload was interrupted ({error.reason}): it resumes where it stopped")
            run.sleep(PAUSE_S)


def repeated(send: Callable[[], Any], run: Run) -> Any:
    """Send a call that is safe to send twice, retry it after a TransientError, and return its result."""
    for attempt in range(ATTEMPTS):
        try:
            return send()
        except TransientError:
            if attempt + 1 == ATTEMPTS:
                raise
            run.sleep(PAUSE_S)
    raise AssertionError("unreachable")


def phase_of(node: Mapping[str, Any], status: str) -> tuple[bool, int]:
    """Return whether an upload is complete, and how many bytes have arrived, from the status of its object. Meta spells
    `transferred` with one r."""
    phase = nested(node, f"{status}.uploading_phase")
    phase = phase if isinstance(phase, Mapping) else {}
    done = phase.get("bytes_transfered", phase.get("bytes_transferred", 0))
    count = int(done) if isinstance(done, int | str) and str(done).isdigit() else 0
    return phase.get("status") == "complete", count


def id_in(answer: Mapping[str, Any], name: str, step: Step) -> str:
    """Return an id from an answer; raise GraphError if it has none."""
    value = answer.get(name)
    if not isinstance(value, str | int) or not str(value).replace("_", "").isdigit():
        raise GraphError(f"Graph returned no {name} of {step.creates}")
    return str(value)
