"""Dagster's home: the project's settings stand in it."""

from __future__ import annotations

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.home import PROJECT, prepare


def test_dagsters_settings_are_the_projects_and_whole_whoever_reads_them_meanwhile(runtime: Runtime):
    wanted = (PROJECT / "dagster.yaml").read_bytes()
    kept = prepare(runtime.settings) / "dagster.yaml"
    kept.write_text("telemetry: {enabled: true}")  # of an older version
    with kept.open("rb") as reader:
        prepare(runtime.settings)
        assert reader.read() == b"telemetry: {enabled: true}"

    assert kept.read_bytes() == wanted
    before = kept.stat()
    prepare(runtime.settings)
    assert kept.stat().st_mtime_ns == before.st_mtime_ns  # nobody writes what is there already
    assert [file.name for file in kept.parent.iterdir()] == [kept.name]
