"""Thumbnails by their content: the address that Meta gives of one dies within days, the picture stays."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

from meta_pipeline.records import LandingError

FOLDER = "thumbnails"


def keep(root: Path, content: bytes, extension: str) -> tuple[str, str]:
    """Put a picture down once, in one step; its SHA-256 and its path under the landing."""
    digest = hashlib.sha256(content).hexdigest()
    name = f"{FOLDER}/{digest}.{extension}"
    path = root / name
    if path.exists():
        return digest, name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                Path(temporary).unlink()
    except OSError as error:
        raise LandingError(f"could not write {path}: {error}; free space or permissions, then run it again") from error
    return digest, name
