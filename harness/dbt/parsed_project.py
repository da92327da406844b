"""The dbt project that the first home parsed, for all further homes of tests: parsing takes seconds, and its result
depends on the project alone. The pipeline itself decides whether the copy is of this project, or parses again."""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
from pathlib import Path

from meta_pipeline.defs.assets.dbt_manifest import ParsedFiles, digest_of_project, parsed_project
from meta_pipeline.project import dbt_project_folder
from meta_pipeline.settings import Settings


def parsed_file() -> Path:
    """Return dbt's own form of the parsed project, which is made when no home has parsed it yet."""
    return _made()[1]


def manifest_file() -> Path:
    """Return `manifest.json` of the parsed project, which is made when no home has parsed it yet."""
    return _made()[0]


def _made() -> tuple[Path, ...]:
    if not all(copy.exists() for copy in _copies()):
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(home=Path(folder))
            parsed_project(settings)
            keep(settings.root)
    return _copies()


def seed(root: Path) -> None:
    """Give a new home (`root`: its META_PIPELINE_HOME) the parsed project, if a home before it has parsed it."""
    copies = [copy.read_bytes() for copy in _copies() if copy.exists()]
    if len(copies) < len(_copies()):
        return
    files = ParsedFiles.of_home(root)
    files.folder.parent.mkdir(mode=0o700)
    for file, content in zip((*_copied(files), files.digest), (*copies, digest_of_project().encode()), strict=True):
        file.touch(mode=0o600)
        file.write_bytes(content)


def keep(root: Path) -> None:
    """Copy the files of a home that has parsed this project, once; copies of earlier states of it are deleted."""
    copies, files = _copies(), ParsedFiles.of_home(root)
    if all(copy.exists() for copy in copies) or not files.are_of(digest_of_project()):
        return
    copies[0].parent.mkdir(mode=0o700, exist_ok=True)
    for file, copy in zip(_copied(files), copies, strict=True):
        fresh = copy.with_suffix(f"{copy.suffix}.{os.getpid()}")
        fresh.write_bytes(file.read_bytes())
        fresh.replace(copy)
    for other in copies[0].parent.iterdir():
        if other.suffix in (".json", ".msgpack") and other not in copies:
            other.unlink(missing_ok=True)


def _copied(files: ParsedFiles) -> tuple[Path, ...]:
    return files.manifest, files.parsed, files.assets


@functools.cache
def _copies() -> tuple[Path, ...]:
    """Return the files of the copy: one folder for each user and each clone."""
    clone = hashlib.sha256(f"{os.getuid()} {dbt_project_folder()}".encode()).hexdigest()[:16]
    name = hashlib.sha256(digest_of_project().encode()).hexdigest()
    folder = Path(tempfile.gettempdir()) / f"meta-pipeline-parsed-{clone}"
    return tuple(folder / f"{name}.{ending}" for ending in ("json", "msgpack", "assets.json"))
