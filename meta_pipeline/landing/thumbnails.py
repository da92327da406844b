"""Thumbnails, stored by a digest of their content: Meta's URL of one expires within days."""

from __future__ import annotations

import hashlib

from meta_pipeline.files import durable, reading
from meta_pipeline.files.locations import Location, join
from meta_pipeline.landing.days import write_error

FOLDER = "thumbnails"


def save(root: Location, content: bytes, extension: str) -> tuple[str, str]:
    """Write a picture unless it exists; return its SHA-256 and its path under the landing. Raise LandingError if it
    can't be written."""
    digest = hashlib.sha256(content).hexdigest()
    name = f"{FOLDER}/{digest}.{extension}"
    location = join(root, name)
    if reading.exists(location):
        return digest, name
    try:
        durable.write(location, content)
    except OSError as error:
        raise write_error(location, error) from error
    return digest, name
