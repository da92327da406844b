"""Thumbnails by their content: the URL that Meta gives of one expires within days, the picture stays."""

from __future__ import annotations

import hashlib
from pathlib import Path

from meta_pipeline.files import durable, reading
from meta_pipeline.records import LandingError

FOLDER = "thumbnails"


def save(root: Path, content: bytes, extension: str) -> tuple[str, str]:
    """Write a picture once; return its SHA-256 and its path under the landing. Raise LandingError if it can't be
    written."""
    digest = hashlib.sha256(content).hexdigest()
    name = f"{FOLDER}/{digest}.{extension}"
    path = root / name
    if reading.exists(path):
        return digest, name
    try:
        durable.write(path, content)
    except OSError as error:
        raise LandingError(f"could not write {path}: {error}; free space or permissions, then run it again") from error
    return digest, name
