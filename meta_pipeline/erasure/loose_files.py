"""Files that no other step handles: logs, samples, reports, exports, dbt's compiled files. Mentions of the subject are
removed from a log; any other file that mentions the subject is removed, because it can be made again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from meta_pipeline.erasure.contents import contents_of
from meta_pipeline.erasure.mentions import Mentions

_LOGS = frozenset({".log", ".err", ".out"})
_SETTINGS = frozenset({".env", "settings.env", "dagster.yaml", "workspace.yaml"})
# Pictures can't be searched.
_PICTURES = frozenset({".png", ".svg", ".pdf"})


@dataclass(frozen=True, slots=True)
class ErasedFiles:
    """The files that were removed, and the logs that were changed."""

    removed: int
    changed: int


def erase(home: Path, files: Iterable[Path], mentions: Mentions, *, written_by_steps: Iterable[Path]) -> ErasedFiles:
    """Erase from the files of a home that are not `written_by_steps` (files, and folders with all that is in them). The
    pictures of a report directly in the home are removed by every erasure."""
    removed = changed = 0
    skipped = tuple(written_by_steps)
    for file in files:
        is_skipped = file.name in _SETTINGS or any(file.is_relative_to(each) for each in skipped)
        if is_skipped or not file.is_relative_to(home):
            continue
        if file.suffix in _PICTURES and file.parent == home:
            file.unlink(missing_ok=True)
            removed += 1
        elif mentions.is_in(str(file.relative_to(home))) or any(mentions.is_in(text) for text in contents_of(file)):
            if file.suffix in _LOGS:
                _rewrite_log(file, mentions)
                changed += 1
            else:
                file.unlink(missing_ok=True)
                removed += 1
    return ErasedFiles(removed, changed)


def _rewrite_log(file: Path, mentions: Mentions) -> None:
    """Replace the mentions in place: the process that writes the log has it open, and continues at its end."""
    with file.open("r+b") as opened:
        content = mentions.without(opened.read())
        opened.seek(0)
        opened.write(content)
        opened.truncate()
        opened.flush()
        os.fsync(opened.fileno())
