"""The manifest of the dbt project: the only file that is read, and made, when the definitions are loaded."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

from meta_pipeline.processes.environment import child_environment
from meta_pipeline.project import dbt_project_folder
from meta_pipeline.publish import freshness
from meta_pipeline.records import LoadError
from meta_pipeline.settings import Settings

DBT = Path(sys.executable).parent / "dbt"  # of this environment, whatever PATH says
_PARSED = "partial_parse.msgpack"


def manifest(settings: Settings) -> Path:
    """Return the file of dbt's manifest, which is made under a lock when it is missing or of another project.

    It is not the one that dbt writes with every build: a reader of that could read half of it, during a
    build or after a kill. All that dbt writes is under HOME: the project's folder may be read-only."""
    project = dbt_project_folder()
    parsed, target = settings.root / "dbt" / "parsed", target_folder(settings)
    for folder in (parsed, target):
        folder.mkdir(parents=True, exist_ok=True)
    path, made_of = manifest_files(settings.root)
    digest = digest_of_project()
    with (path.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists() or not made_of.exists() or made_of.read_text() != digest:
            ran = subprocess.run(
                [str(DBT), "--quiet", "parse", "--project-dir", str(project), "--profiles-dir", str(project),
                 "--target-path", str(parsed), "--log-path", str(parsed)],
                env=child_environment(META_PIPELINE_WAREHOUSE=str(settings.warehouse_file)),
                capture_output=True, text=True,
            )
            if ran.returncode != 0:
                raise LoadError(f"the dbt project can't be read: {' '.join((ran.stdout + ran.stderr).split())[-600:]}")
            if not (target / _PARSED).exists():  # the first build need not parse again; half a file is nothing to dbt
                shutil.copyfile(parsed / _PARSED, target / _PARSED)
            made_of.unlink(missing_ok=True)  # a kill between the two leaves a manifest that is made again
            (parsed / "manifest.json").replace(path)
            made_of.write_text(digest)
    return path


def manifest_files(root: Path) -> tuple[Path, Path]:
    """Return the files under HOME that hold the manifest, and the digest of the project that it was parsed from."""
    parsed = root / "dbt" / "parsed"
    return parsed.with_suffix(".json"), parsed.with_suffix(".digest")


def digest_of_project() -> str:
    """Return what a manifest depends on: the project's files, the versions of dbt and DuckDB, and the folder."""
    project = dbt_project_folder()
    return f"{freshness.project_digest(project)} {project}"


def target_folder(settings: Settings) -> Path:
    """Return the folder of dbt's build artifacts."""
    return settings.root / "dbt" / "target"
