"""`rebuild`: the same as `build --reload`, and sentences that say what the file was made from."""

from __future__ import annotations

from dataclasses import dataclass

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.defs.runs.mart_build import build_marts
from meta_pipeline.records import LoadError
from meta_pipeline.store.landed import zones
from meta_pipeline.warehouse.replaced_file import REPLACED, beside


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The result of a rebuild in sentences. `skipped`: the landed files that could not be read."""

    sentences: tuple[str, ...]
    skipped: tuple[str, ...] = ()


def rebuild_warehouse(runtime: Runtime) -> Rebuilt:
    """Recreate the warehouse file, build and publish. Raise LoadError if that fails; the old file stays then."""
    file, replaced = runtime.settings.warehouse_file, beside(runtime.settings.warehouse_file, REPLACED)
    is_there = file.exists()
    build = build_marts(runtime.settings, is_reload=True)
    if build.reason:
        raise LoadError(" · ".join((build.reason, *build.skipped)))
    if build.note:
        return Rebuilt((build.note,))
    days, versions, files = zones.count(runtime.engine)
    steps = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in build.seconds.items())
    sentences = [
        f"recreated {file} from {counted(days, 'day')} and {counted(versions, 'earlier version')} in "
        f"{counted(files, 'landed file')}, without a call to Meta ({steps})",
        f"published {runtime.settings.published_file}",
    ]
    if is_there and replaced.exists():
        sentences.insert(1, f"the old file is {replaced}: remove it when you no longer need it")
    return Rebuilt(tuple(sentences), build.skipped)
