"""dbt's documentation of the marts as one HTML file that opens offline: models, columns, lineage, metrics."""

from __future__ import annotations

import fcntl
import re
import subprocess
import sys
from pathlib import Path

from meta_pipeline.files import durable, reading
from meta_pipeline.processes.environment import child_environment
from meta_pipeline.project import dbt_project_folder
from meta_pipeline.publish.freshness import project_digest
from meta_pipeline.records import LoadError
from meta_pipeline.settings import Settings

# A browser loads nothing from anywhere, and runs only what is in the file.
OFFLINE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data:; font-src data:"
)


def documentation(settings: Settings) -> Path:
    """Return the documentation file under HOME; write it first if it is missing or of an earlier dbt project.

    It documents the published warehouse. Raise LoadError if nothing is published, or if dbt fails."""
    folder = settings.root / "dbt" / "docs"
    folder.mkdir(parents=True, exist_ok=True)
    file, made_of = folder / "documentation.html", folder / "documentation.digest"
    digest = f"{project_digest(dbt_project_folder())} {dbt_project_folder()}"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists() or not made_of.exists() or made_of.read_text() != digest:
            _generate(settings, folder)
            page = (folder / "static_index.html").read_text(encoding="utf-8")
            text = offline(page, machine_paths=(folder, dbt_project_folder()))
            made_of.unlink(missing_ok=True)  # after a kill below, the file is written again
            durable.write(str(file), text.encode())
            made_of.write_text(digest)
    return file


def _generate(settings: Settings, folder: Path) -> None:
    """Run `dbt docs generate` on the published file, which it reads without a lock."""
    published, project = settings.published_file, str(dbt_project_folder())
    if not reading.exists(published):  # clearer than DuckDB's error
        raise LoadError(f"nothing is published yet at {published}: run `meta-pipeline backfill` first")
    ran = subprocess.run(
        [str(Path(sys.executable).parent / "dbt"), "--quiet", "docs", "generate", "--static", "--target", "reader",
         "--project-dir", project, "--profiles-dir", project, "--target-path", str(folder), "--log-path", str(folder)],
        env=child_environment(META_PIPELINE_WAREHOUSE=reading.duckdb_location(published)),
        capture_output=True, text=True,
    )
    if ran.returncode != 0:
        raise LoadError(f"dbt can't write the documentation: {' '.join((ran.stdout + ran.stderr).split())[-600:]}")


def offline(text: str, *, machine_paths: tuple[Path, ...] = ()) -> str:
    """Return dbt's page without elements that make a browser send requests, and without paths of this machine.

    dbt's templates contain icons whose URL is a template expression, which the browser requests before it is evaluated,
    and a link to a favicon that does not exist."""
    text = re.sub(r"""xlink:href=(\\?["']){{""", r"ng-href=\1{{", text)
    text = re.sub(r"<link[^>]*favicon[^>]*>", "", text)
    for path in machine_paths:
        text = re.sub(rf"{re.escape(str(path))}/?", "", text)
    policy = f'<meta http-equiv="Content-Security-Policy" content="{OFFLINE_POLICY}">'
    return text.replace("<head>", f"<head>{policy}", 1)
