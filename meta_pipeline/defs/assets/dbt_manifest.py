"""The parsed dbt project: the only files that are read, or written, when the definitions are loaded."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from meta_pipeline.defs.assets import mart_specs
from meta_pipeline.modelling.runner import DbtProject
from meta_pipeline.processes.environment import child_environment
from meta_pipeline.project import dbt_project_folder
from meta_pipeline.publish import freshness
from meta_pipeline.records import LoadError
from meta_pipeline.settings import Settings

DBT = Path(sys.executable).parent / "dbt"  # of this environment, whatever PATH says
_PARSED = "partial_parse.msgpack"
_TRANSLATION = Path(mart_specs.__file__)


def parsed_project(settings: Settings) -> DbtProject:
    """Return the parsed project; parse it, under a lock, when it is missing or outdated.

    The manifest is not the one that a dbt build writes, which may be incomplete during a build or after a kill. All
    files of dbt are under HOME, because the project's folder may be read-only."""
    project = dbt_project_folder()
    files, target = ParsedFiles.of_home(settings.root), target_folder(settings)
    for folder in (files.folder, target):
        folder.mkdir(parents=True, exist_ok=True)
    digest = digest_of_project(settings.warehouse_file.stem)
    with (files.manifest.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not files.are_of(digest):
            ran = subprocess.run(
                [str(DBT), "--quiet", "parse", "--project-dir", str(project), "--profiles-dir", str(project),
                 "--target-path", str(files.folder), "--log-path", str(files.folder)],
                env=child_environment(META_PIPELINE_WAREHOUSE=str(settings.warehouse_file)),
                capture_output=True, text=True,
            )
            if ran.returncode != 0:
                raise LoadError(f"the dbt project can't be read: {' '.join((ran.stdout + ran.stderr).split())[-600:]}")
            files.digest.unlink(missing_ok=True)  # after a kill before the digest is written, all is parsed again
            (files.folder / "manifest.json").replace(files.manifest)
            (files.folder / _PARSED).replace(files.parsed)
            files.assets.write_text(mart_specs.translate(json.loads(files.manifest.read_bytes())))
            files.digest.write_text(digest)
    return DbtProject(
        digest=digest.partition(" ")[0], parsed=files.parsed, manifest=files.manifest, assets=files.assets,
        target=target, warehouse=settings.warehouse_file.absolute(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFiles:
    """The files under HOME with the manifest, dbt's partial parse, the specs for Dagster, and the digest of the project
    that they were made from. `folder`: the target folder of `dbt parse`."""

    folder: Path
    manifest: Path
    parsed: Path
    assets: Path
    digest: Path

    @classmethod
    def of_home(cls, root: Path) -> ParsedFiles:
        """Return the files of the home `root`."""
        folder = root / "dbt" / "parsed"
        ending = folder.with_suffix
        return cls(
            folder=folder, manifest=ending(".json"), parsed=ending(".msgpack"), assets=ending(".assets.json"),
            digest=ending(".digest"),
        )

    def are_of(self, digest: str) -> bool:
        """Return True if all files exist and were parsed from the project with this digest."""
        files = (self.manifest, self.parsed, self.assets, self.digest)
        return all(file.exists() for file in files) and self.digest.read_text() == digest


def digest_of_project(database: str = "warehouse") -> str:
    """Return a text that changes with everything that the parsed files depend on: the project's files, the versions of
    dbt and DuckDB, the folder, the `database` (the name of the warehouse file), and the code that translates the
    manifest for Dagster."""
    project = dbt_project_folder()
    translation = f"{importlib.metadata.version('dagster-dbt')} {hashlib.sha256(_TRANSLATION.read_bytes()).hexdigest()}"
    return f"{freshness.project_digest(project)} {project} {database} {translation}"


def target_folder(settings: Settings) -> Path:
    """Return the folder of dbt's build artifacts."""
    return settings.root / "dbt" / "target"
