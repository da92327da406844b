"""Thumbnails by their content: the address that Meta gives of one dies within days, the picture stays."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from meta_pipeline.records import LandingError
from meta_pipeline.store.temporary import beside, discard_left_behind_once

FOLDER = "thumbnails"


def save(root: Path, content: bytes, extension: str) -> tuple[str, str]:
    """Put a picture down once, in one step; its SHA-256 and its path under the landing."""
    digest = hashlib.sha256(content).hexdigest()
    name = f"{FOLDER}/{digest}.{extension}"
    path = root / name
    if path.exists():
        return digest, name
    temporary = beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        discard_left_behind_once(path.parent)
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise LandingError(f"could not write {path}: {error}; free space or permissions, then run it again") from error
    return digest, name
