"""The steps of an erasure, in their order: each removes the subject's data from one kind of place. Each step can be
repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from meta_pipeline.erasure import landed, loose_files, receipt, run_history, search, warehouses
from meta_pipeline.erasure.erasure_plan import ErasurePlan
from meta_pipeline.flows.leads.answers import write_answers
from meta_pipeline.flows.leaving.places import Places, owners_of
from meta_pipeline.flows.leaving.sealed_counts import count_again
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.sealed.store import LEADS
from meta_pipeline.store.coordination import leases
from meta_pipeline.store.landed import warehouse_state, zones
from meta_pipeline.store.leaving import erased_rows

# Running processes may write the subject again: the steps for their places are repeated until a search finds nothing.
ROUNDS = 3
_TRANSIENT = frozenset({"leases", "reservations", "waiters"})


class IncompleteError(MetaPipelineError):
    """An erasure after which a file or row still mentions the subject."""


def _search_before(plan: ErasurePlan, places: Places) -> dict[str, Any]:
    """Count what is to be erased."""
    searched = _search(plan, places)
    owned = erased_rows.count_owned(places.engine, owners_of(plan, places))
    rows = sum(warehouses.count(file, plan) for file in _warehouse_files(places))
    return {
        "files": searched.files, "bytes": searched.bytes, "files_mentioning": dict(searched.mentioning),
        "rows_of_the_control_store": owned, "rows_of_warehouses": rows, "nodes": len(plan.nodes),
        "tokens": len(plan.refs), "people": len(plan.people), "nodes_that_others_reach": len(plan.shared),
    }


def _erase_access(plan: ErasurePlan, places: Places) -> dict[str, Any]:
    """Remove grants, tokens and links first: nothing reads these nodes from now on."""
    if plan.kind != "person":  # other tokens may still reach the nodes, and must not link them again
        digest = places.tokens.signing_key().digest
        erased_rows.record_erased_nodes(
            places.engine,
            [*(digest(f"node:{id}") for id in plan.nodes), *(digest(f"business:{id}") for id in plan.businesses)],
            now=places.now(),
        )
    return {"rows": _erase_rows(plan, places, without_tables=_TRANSIENT)}


def _erase_landed(plan: ErasurePlan, places: Places) -> dict[str, Any]:
    """Remove the landed files, leads and messages of each node, once the run that reads it has ended."""
    files = records = sealed = 0
    for node_id in plan.nodes:
        with _alone(places, node_id):
            files += landed.remove_nodes(places.landing, [node_id])
            sealed += sum(store.delete_owner(node_id) for store in places.sealed)
    pictures = landed.remove_pictures(places.landing, plan.pictures)
    if plan.identifiers:
        for store in places.sealed:
            erased = store.delete_person(plan.identifiers)
            count_again(store, [entry.owner for entry in erased], engine=places.engine, now=places.now())
            sealed += len(erased)
    if plan.people:
        (report,) = landed.NAMING_PEOPLE
        for node_id in sorted(zones.nodes_with(places.engine, report=report)):
            with _alone(places, node_id):
                records += landed.erase_people(places.engine, plan.of_people, [node_id])
    return {"files": files, "thumbnails": pictures, "records_changed": records, "sealed_records": sealed}


def _erase_warehouse(plan: ErasurePlan, places: Places) -> dict[str, Any]:
    """Rewrite the warehouse, while nothing is loaded."""
    with leases.hold(places.engine, zones.FILES_LEASE, now=places.now, sleep=places.sleep):
        before = warehouses.count(places.warehouse, plan)
        warehouses.rewrite(places.warehouse, plan, sleep=places.sleep)
    return {"rows_before": before, "rows_after": warehouses.count(places.warehouse, plan)}


def _erase_published(plan: ErasurePlan, places: Places) -> dict[str, Any]:
    """Rewrite every published file, and remove that of an erased tenant."""
    before = after = removed = 0
    for file in warehouses.published_files(places.published):
        before += warehouses.count(file, plan)
        if plan.tenant is not None and file.parent.name == plan.tenant:
            warehouses.remove_published(file)
            removed += 1
            continue
        warehouses.rewrite(file, plan, is_published=True, sleep=places.sleep)
        warehouses.remove_unused_pictures(file)
        after += warehouses.count(file, plan)
    write_answers(
        str(places.published), [tenant for tenant in places.tenants if tenant.name != plan.tenant],
        engine=places.engine, read=lambda page_id: places.sealed_store(LEADS).read(page_id),
    )
    if places.published.exists():
        warehouse_state.record_published_size(places.engine, places.published.stat().st_size)
    return {"rows_before": before, "rows_after": after, "files_removed": removed}


def _erase_history(plan: ErasurePlan, places: Places) -> dict[str, Any]:
    """Erase Dagster's runs, events, partitions and logs."""
    nodes = frozenset(plan.nodes)
    erased = run_history.erase_folder(places.dagster_home, plan.mentions, nodes)
    rows, runs = erased.rows, erased.runs
    if places.dagster_url:
        on_server = run_history.erase_server(places.dagster_url, places.dagster_home, plan.mentions, nodes)
        rows, runs = rows + on_server.rows, runs + on_server.runs
    return {"rows": rows, "runs_removed": runs}


def _erase_files(plan: ErasurePlan, places: Places) -> dict[str, Any]:
    """Erase from logs, samples, exports and every other file of the home."""
    erased = loose_files.erase(
        places.home, _files(plan, places), plan.mentions, written_by_steps=_written_by_steps(places)
    )
    return {"files_removed": erased.removed, "logs_changed": erased.changed}


def _erase_store(plan: ErasurePlan, places: Places) -> dict[str, Any]:
    """Remove the rows that running processes have written since, and vacuum deleted rows from the store's file."""
    rows = _erase_rows(plan, places)
    erased_rows.vacuum(places.engine)
    return {"rows": rows}


def _search_again(plan: ErasurePlan, places: Places) -> dict[str, Any]:
    """Search everything again; repeat the steps whose places others write to until nothing is left. Raise
    IncompleteError if something is."""
    for _ in range(ROUNDS):
        searched = _search(plan, places)
        if not searched.count:
            break
        for step in (_erase_history, _erase_files, _erase_store):
            step(plan, places)
    else:
        searched = _search(plan, places)
    rows = sum(warehouses.count(file, plan) for file in _warehouse_files(places))
    if searched.count or rows:
        areas = [*searched.mentioning, *(["warehouses"] if rows else [])]
        raise IncompleteError(
            f"running processes have written what was erased again, in {', '.join(areas)}: the erasure is retried"
        )
    return {"files": searched.files, "bytes": searched.bytes, "files_mentioning": 0, "rows_of_warehouses": rows}


Step = Callable[[ErasurePlan, Places], dict[str, Any]]
STEPS: Mapping[str, Step] = {
    "search": _search_before, "access": _erase_access, "landed files": _erase_landed, "warehouse": _erase_warehouse,
    "published files": _erase_published, "run history": _erase_history, "other files": _erase_files,
    "control store": _erase_store, "search again": _search_again,
}


def _erase_rows(plan: ErasurePlan, places: Places, *, without_tables: Iterable[str] = ()) -> int:
    mentions = plan.mentions
    counts = erased_rows.erase(
        places.engine, owners_of(plan, places), is_mentioned=mentions.is_in_json, without=mentions.without_in,
        without_tables=frozenset(without_tables),
    )
    return sum(counts.values())


def _alone(places: Places, node_id: str) -> Any:
    return leases.hold(places.engine, node_id, now=places.now, sleep=places.sleep)


def _search(plan: ErasurePlan, places: Places) -> search.Search:
    skipped = {*_warehouse_files(places), *places.operators_files}
    files = [file for file in _files(plan, places) if file not in skipped]
    return search.search(places.home, files, plan.mentions)


def _files(plan: ErasurePlan, places: Places) -> list[Path]:
    staying = [node_id for node_id in zones.nodes_with(places.engine) if node_id not in plan.nodes]
    others = search.places_of(places.home, [Path(places.landing), places.warehouse, places.published.parent])
    files = search.files_to_search(places.home, others, staying)
    return [file for file in files if file not in places.operators_files]


def _warehouse_files(places: Places) -> list[Path]:
    return [places.warehouse, *warehouses.published_files(places.published)]


def _written_by_steps(places: Places) -> list[Path]:
    home = places.home
    stores = [home / f"control.sqlite{ending}" for ending in ("", "-wal", "-shm", ".lock")]
    history = [places.dagster_home / name for name in ("history", "schedules")]
    sealed = [store.folder for store in places.sealed]
    return [*stores, *history, Path(places.landing), *_warehouse_files(places), *sealed, home / receipt.FOLDER]
