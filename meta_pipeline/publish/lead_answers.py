"""The answers of leads in plain text: one file for each lead viewer whom the intake names, in that viewer's own folder,
and nowhere else."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from meta_pipeline.digests import short_hash
from meta_pipeline.files import durable, listing, reading, removal
from meta_pipeline.files.linked import remove_empty_folder
from meta_pipeline.files.locations import Location, folder_of, join
from meta_pipeline.intake.tenants import Node, Tenant
from meta_pipeline.node_kinds import PAGE
from meta_pipeline.sealed.record import PersonalRecord

FOLDER, NAME = "leads", "leads.parquet"
_SCHEMA = pa.schema([
    ("lead_id", pa.string()), ("page_id", pa.string()), ("form_id", pa.string()), ("form_name", pa.string()),
    ("created_at", pa.timestamp("us", "UTC")), ("ad_id", pa.string()), ("campaign_id", pa.string()),
    ("is_organic", pa.bool_()), ("platform", pa.string()), ("question", pa.string()), ("answer", pa.string()),
])
_STRANGE = re.compile(r"[^a-z0-9@._+-]|^\.")


def location_of(published: Location, tenant: str, viewer: str) -> Location:
    """Return where the file of a viewer is: `<tenant>/leads/<address>/leads.parquet` beside the complete file. In an
    address, characters that not every folder name can have become `_`, and a digest is appended."""
    name = _STRANGE.sub("_", viewer)
    if name != viewer:
        name = f"{name}-{short_hash(viewer.encode())[:8]}"
    return join(_folder(published, tenant), name, NAME)


def publish_answers(
    published: Location, tenants: Iterable[Tenant], *, read: Callable[[str], Iterable[PersonalRecord]],
    linked: Sequence[Node], form_names: Mapping[str, str],
) -> list[Location]:
    """Write the stored answers of each tenant's Pages to a file for each of its lead viewers, one row for each answer;
    remove the files of everybody else. Return the locations. `read`: the records of a Page; `linked`: all nodes;
    `form_names` by id."""
    written: list[Location] = []
    for tenant in tenants:
        if not tenant.lead_viewers:
            continue
        pages = [node.id for node in tenant.nodes_among(linked) if node.kind == PAGE.name]
        records = (record for page_id in pages for record in read(page_id))
        content = _parquet(row for record in records for row in _rows(record, form_names))
        for viewer in sorted(tenant.lead_viewers):
            location = location_of(published, tenant.name, viewer)
            reading.path_of(folder_of(location)).mkdir(parents=True, exist_ok=True)
            durable.write(location, content)
            written.append(location)
    _remove_others(published, {folder_of(location) for location in written})
    return written


def _remove_others(published: Location, staying: set[Location]) -> None:
    for tenant in listing.folders_in(folder_of(published)):
        folder = _folder(published, tenant)
        for name in listing.folders_in(folder):
            if join(folder, name) not in staying:
                removal.remove_folder(join(folder, name))
        remove_empty_folder(folder)


def remove_all(published: Location, tenant: str) -> None:
    """Remove every file of a tenant."""
    if reading.exists(folder := _folder(published, tenant)):
        removal.remove_folder(folder)


def _folder(published: Location, tenant: str) -> Location:
    return join(folder_of(published), tenant, FOLDER)


def _rows(record: PersonalRecord, form_names: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Yield a row for each answer, and one row for a lead without answers."""
    lead = {
        "lead_id": record.id, "page_id": record.owner, "form_id": record.group,
        "form_name": form_names.get(record.group), "created_at": record.at,
        **{name: record.attributes.get(name) for name in ("ad_id", "campaign_id", "is_organic", "platform")},
    }
    answers = record.content.get("answers", ())
    for answer in answers:
        yield {**lead, "question": answer["name"], "answer": ", ".join(answer["values"])}
    if not answers:
        yield {**lead, "question": None, "answer": None}


def _parquet(rows: Iterable[dict[str, object]]) -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), _SCHEMA), content, compression="zstd")
    return content.getvalue()
