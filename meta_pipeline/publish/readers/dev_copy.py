"""A plugin of dbt-duckdb for the target `dev`: before dbt opens its file, the file is replaced by a copy of the
published warehouse.

An engineer can try a change to a model without locking the pipeline's warehouse or writing to it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError

from meta_pipeline.settings import Settings

DEMO = "demo"  # the folder of `make demo`'s own home, in the default home


class Plugin(BasePlugin):
    """Copies the published file to the path of the profile. dbt runs in the project's folder."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Copy the file unless the copy is of the same publication."""
        assert self.creds is not None
        clone = Path.cwd().parent
        settings = Settings(_env_file=clone / ".env")
        copy = self.creds.path
        copy_published(published_file(settings, clone=clone), Path(copy))


def published_file(settings: Settings, *, clone: Path) -> Path:
    """Return the file that the pipeline of a clone has published, or else the one that `make demo` has published.

    Raise DbtRuntimeError, which says how to publish one, if neither exists."""
    home = clone / settings.home.expanduser()
    folder = settings.publish_url or str(home / "published")
    if "://" in folder and not folder.startswith("file://"):
        raise DbtRuntimeError("META_PIPELINE_PUBLISH_URL must be a folder or file:// URL")
    candidates = [clone / folder.removeprefix("file://")]
    if "home" not in settings.model_fields_set:
        candidates.append(home / DEMO / "published")
    files = [candidate / "warehouse.duckdb" for candidate in candidates]
    for file in files:
        if file.exists():
            return file
    raise DbtRuntimeError(
        f"nothing is published yet in {' or '.join(str(file.parent) for file in files)}: run `make demo` or "
        "`meta-pipeline backfill` in the clone, or set META_PIPELINE_HOME, then run dbt again"
    )


def copy_published(published: Path, copy: Path) -> None:
    """Replace `copy` by the published file, unless it was copied from the same publication."""
    stat = published.stat()
    stamp = f"{published.resolve()} {stat.st_size} {stat.st_mtime_ns}"
    stamp_file = copy.with_suffix(".source")
    if copy.exists() and stamp_file.exists() and stamp_file.read_text() == stamp:
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    stamp_file.unlink(missing_ok=True)  # after a kill below, the next run copies again
    copy.with_name(f"{copy.name}.wal").unlink(missing_ok=True)
    temporary = copy.with_suffix(".temporary")
    shutil.copyfile(published, temporary)
    temporary.replace(copy)
    stamp_file.write_text(stamp)
