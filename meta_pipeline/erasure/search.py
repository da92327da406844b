"""Search the home for mentions of a subject: before an erasure to count them, after it to verify that none is left."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from meta_pipeline.erasure.contents import contents_of
from meta_pipeline.erasure.mentions import Mentions
from meta_pipeline.files.removal import files_below

# The sandbox's own world, which `make demo` reads into a separate home.
OTHER_HOMES = frozenset({"demo"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The result of a search: the files and bytes that were searched, and the number of files that mention the subject,
    by area (the first part of their path under the home)."""

    files: int = 0
    bytes: int = 0
    mentioning: Mapping[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Return the number of files that mention the subject."""
        return sum(self.mentioning.values())


def places_of(home: Path, others: Iterable[Path]) -> list[Path]:
    """Return the folders and files that are searched: the home, and the paths that the settings place outside it."""
    outside = [path for path in others if not path.is_relative_to(home)]
    return [home, *dict.fromkeys(outside)]


def files_to_search(home: Path, places: Iterable[Path], nodes_that_stay: Collection[str]) -> list[Path]:
    """Return every file of these places, except other homes and the landed files of nodes that stay: their data
    is kept, whatever names it contains. (People are erased from them record by record.)"""
    files: list[Path] = []
    for place in places:
        for file in [place] if place.is_file() else files_below(place):
            below = file.relative_to(home).parts if file.is_relative_to(home) else file.parts
            is_theirs = len(file.parts) > 3 and bool({file.parts[-2], file.parts[-3]} & set(nodes_that_stay))
            if below[0] not in OTHER_HOMES and not (is_theirs and file.suffix == ".parquet"):
                files.append(file)
    return files


def search(home: Path, files: Iterable[Path], mentions: Mentions) -> Search:
    """Search files for mentions."""
    count, size, mentioning = 0, 0, dict[str, int]()
    for file in files:
        count += 1
        size += file.stat().st_size if file.exists() else 0
        name = file.relative_to(home) if file.is_relative_to(home) else Path(file.name)
        if mentions.is_in(str(name)) or any(mentions.is_in(content) for content in contents_of(file)):
            area = name.parts[0]
            mentioning[area] = mentioning.get(area, 0) + 1
    return Search(files=count, bytes=size, mentioning=mentioning)
