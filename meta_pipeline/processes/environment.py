"""The environment of the processes that we start, or that a library starts for us. Settings are read elsewhere."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


def child_environment(**overrides: str) -> dict[str, str]:
    """Return this process's environment with some variables changed, for a child."""
    return {**os.environ, **overrides}


@contextlib.contextmanager
def exported(**variables: str) -> Iterator[None]:
    """Set variables of this process while the block runs, for the children of a library that accepts no environment."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
