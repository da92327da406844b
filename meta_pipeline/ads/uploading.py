"""Upload a video to an ad account in chunks; resume where the last attempt ended (docs/graph-api.md §10).

A session that is never finished creates no video, so it is safe to start another one (R)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from meta_pipeline.graph.errors import GraphError, TransientError, UnreadableAnswerError
from meta_pipeline.plans.applying import Run
from meta_pipeline.plans.decide import is_unknown
from meta_pipeline.plans.plan import Plan
from meta_pipeline.plans.step import Created, Step
from meta_pipeline.records import ConfigError

TRIES, PAUSE_S, MOST_STALLS = 4, 2.0, 10
_MOST_CHUNK = 64 * 1024 * 1024
_SESSION_ENDED = (6000, 6001)  # the codes of an upload that Meta no longer knows (docs/graph-api.md §10)


def upload(
    step: Step, path: str, body: Mapping[str, Any], progress: dict[str, Any], *,
    save: Callable[[dict[str, Any]], None], run: Run, plan: Plan,
) -> Created:
    """Upload the step's file and return the video; a performer of `plans/applying.py`."""
    file = Path(step.local["file"])
    _check_unchanged(file, step)
    session = _Session(step, path, body, progress, save=save, run=run, plan_id=plan.id)
    if progress.get("session") and not progress.get("is_sent"):
        try:
            session.transfer(file)
        except GraphError as error:
            if error.code not in _SESSION_ENDED or is_unknown(error):
                raise
            session.forget()
    if not session.progress.get("session"):
        session.start()
        session.transfer(file)
    session.finish()
    return Created(object_id=str(session.progress["object_id"]))


class _Session:
    """One upload. `progress` is saved after each call: the session, the video's id, and the offsets."""

    def __init__(
        self, step: Step, path: str, body: Mapping[str, Any], progress: dict[str, Any], *,
        save: Callable[[dict[str, Any]], None], run: Run, plan_id: str,
    ) -> None:
        self._step, self._path, self._body, self._save, self._run = step, path, body, save, run
        self._plan_id = plan_id
        self.progress = progress

    def start(self) -> None:
        """Begin a session."""
        answer = self._repeated({"upload_phase": "start", "file_size": self._step.local["size"]})
        self._keep(
            session=_text(answer, "upload_session_id"), object_id=_text(answer, "video_id"), is_sent=False,
            start=_offset(answer, "start_offset"), end=_offset(answer, "end_offset"),
        )

    def forget(self) -> None:
        """Forget a session that Meta has ended."""
        self.progress = {}
        self._save({})

    def transfer(self, file: Path) -> None:
        """Send the chunks that Meta requests. If a chunk may have arrived, Meta returns the offset to resume at."""
        size, stalls = int(self._step.local["size"]), 0
        with file.open("rb") as content:
            while (start := int(self.progress["start"])) < (end := int(self.progress["end"])):
                if end > size or end - start > _MOST_CHUNK:
                    raise UnreadableAnswerError(f"Meta asked for the bytes {start} to {end} of a file of {size}")
                content.seek(start)
                answer = self._sent_chunk(start, end, content.read(end - start))
                stalls += answer["start"] <= start
                if stalls > MOST_STALLS:
                    raise UnreadableAnswerError("Meta requests the same bytes of the video again and again")
                self._keep(**answer)
                self._run.progress(f"uploaded {100 * int(answer['start']) // size} % of the video")
        self._keep(is_sent=True)

    def finish(self) -> None:
        """Finish the session, which creates the video. After a lost answer, check whether the video exists."""
        params = {"upload_phase": "finish", "upload_session_id": self.progress["session"], **self._body}
        if self.progress.get("is_finishing") and self._is_finished():
            return
        self._keep(is_finishing=True)
        for attempt in range(TRIES):
            try:
                self._post(params)
                return
            except GraphError as error:
                if not is_unknown(error) or attempt == TRIES - 1:
                    raise
                self._run.sleep(PAUSE_S * 2**attempt)
                if self._is_finished():
                    return

    def _is_finished(self) -> bool:
        """Return whether the video exists with the title that the last call sets."""
        reader = self._run.reader
        try:
            node = reader.get(self._step.reads, str(self.progress["object_id"]), ("id", "title"))
        except GraphError as error:
            if is_unknown(error):
                raise
            return False
        return bool(node.get("title") == self._body["title"])

    def _sent_chunk(self, start: int, end: int, chunk: bytes) -> dict[str, int]:
        params = {"upload_phase": "transfer", "upload_session_id": self.progress["session"], "start_offset": start}
        for attempt in range(TRIES):
            try:
                answer = self._post(params, files={"video_file_chunk": ("chunk", chunk)})
            except GraphError as error:
                if error.resume_offset is not None:
                    size = int(self._step.local["size"])
                    return {"start": error.resume_offset, "end": min(size, error.resume_offset + end - start)}
                if not isinstance(error, TransientError) or attempt == TRIES - 1:
                    raise
                self._run.sleep(PAUSE_S * 2**attempt)
            else:
                return {"start": _offset(answer, "start_offset"), "end": _offset(answer, "end_offset")}
        raise AssertionError("unreachable")

    def _repeated(self, params: dict[str, Any]) -> dict[str, Any]:
        for attempt in range(TRIES):
            try:
                return self._post(params)
            except TransientError:
                if attempt == TRIES - 1:
                    raise
                self._run.sleep(PAUSE_S * 2**attempt)
        raise AssertionError("unreachable")

    def _post(self, params: dict[str, Any], files: Mapping[str, tuple[str, bytes]] | None = None) -> dict[str, Any]:
        return self._run.graph.write(
            self._step.write, self._path, params, token=self._run.token, plan_id=self._plan_id, files=files
        ).object

    def _keep(self, **values: Any) -> None:
        self.progress = {**self.progress, **values}
        self._save(self.progress)


def _check_unchanged(file: Path, step: Step) -> None:
    try:
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"the video can't be read: {error.strerror or 'no file'}") from None
    if digest != step.local["digest"]:
        raise ConfigError("the video has changed since it was planned: plan it again")


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str | int) or not str(value).isdigit():
        raise UnreadableAnswerError(f"Meta answered an upload without {name}")
    return str(value)


def _offset(answer: Mapping[str, Any], name: str) -> int:
    return int(_text(answer, name)[:19])
