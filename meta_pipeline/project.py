"""The folder of the project's files that are not Python: `dbt_project`, `dagster.yaml` and `workspace.yaml`.

A wheel holds them in the package; they may be read-only there. In a clone they are at the top level of the repository,
and an editable install reads those."""

from __future__ import annotations

import functools
import importlib.resources
from pathlib import Path


@functools.cache
def project_folder() -> Path:
    """Return the folder that holds the project's files."""
    package = Path(str(importlib.resources.files("meta_pipeline")))
    packaged = package / "_project"
    return packaged if packaged.is_dir() else package.parent


def dbt_project_folder() -> Path:
    """Return the folder of the dbt project."""
    return project_folder() / "dbt_project"
