"""A clone as an engineer has it: the dbt project in a separate folder, next to a home with a published warehouse."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from meta_pipeline.project import dbt_project_folder

BIN = Path(sys.executable).parent
OURS = ("META_PIPELINE_", "DAGSTER_", "DBT_")


@dataclass(frozen=True)
class DbtClone:
    """The folder of a clone. `run` runs a program of the environment in its dbt project, without any setting."""

    path: Path

    @property
    def project(self) -> Path:
        return self.path / "dbt_project"

    @property
    def published(self) -> Path:
        return self.path / ".meta_pipeline" / "published" / "warehouse.duckdb"

    @property
    def copy(self) -> Path:
        """The file of the target `dev`."""
        return self.project / "target" / "dev" / "warehouse.duckdb"

    def run(self, program: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return subprocess.run(
            [BIN / program, *arguments], cwd=self.project, env={**environment, **variables}, capture_output=True,
            text=True,
        )


def make_clone(path: Path) -> DbtClone:
    """Copy the dbt project, without files that dbt has written."""
    shutil.copytree(
        dbt_project_folder(), path / "dbt_project", ignore=shutil.ignore_patterns("target", "logs", ".metricflow")
    )
    return DbtClone(path)
