"""The dbt manifest that the first home parsed, for all further homes of tests: parsing takes seconds, and its result
depends on the project alone. The pipeline itself decides whether the copy is of this project, or parses again."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import tempfile
from pathlib import Path

from meta_pipeline.defs.assets.dbt_manifest import digest_of_project, manifest_files
from meta_pipeline.project import dbt_project_folder


def seed(root: Path) -> None:
    """Give a new home (`root`: its META_PIPELINE_HOME) the manifest, if a home before it has parsed this project."""
    with contextlib.suppress(FileNotFoundError):
        parsed = _copy().read_bytes()
        manifest, digest = manifest_files(root)
        manifest.parent.mkdir(mode=0o700)
        for file, content in ((manifest, parsed), (digest, digest_of_project().encode())):
            file.touch(mode=0o600)
            file.write_bytes(content)


def keep(root: Path) -> None:
    """Copy the manifest of a home that has parsed this project, once; copies of earlier states of it are deleted."""
    copy = _copy()
    manifest, digest = manifest_files(root)
    if copy.exists() or not digest.exists() or digest.read_text() != digest_of_project():
        return
    copy.parent.mkdir(mode=0o700, exist_ok=True)
    fresh = copy.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(manifest.read_bytes())
    fresh.replace(copy)
    for other in copy.parent.glob("*.json"):
        if other != copy:
            other.unlink(missing_ok=True)


@functools.cache
def _copy() -> Path:
    """Return the file of the copy: one folder for each user and each clone."""
    clone = hashlib.sha256(f"{os.getuid()} {dbt_project_folder()}".encode()).hexdigest()[:16]
    name = hashlib.sha256(digest_of_project().encode()).hexdigest()
    return Path(tempfile.gettempdir()) / f"meta-pipeline-parsed-{clone}" / f"{name}.json"
