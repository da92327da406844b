"""The DuckDB file that the pipeline writes: landed days are loaded whole or not at all, by one writer at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import sqlalchemy as sa

from meta_pipeline.records import LoadError
from meta_pipeline.store.gateway import audit_log
from meta_pipeline.store.landed import day_versions, load_queue, read_times, warehouse_state
from meta_pipeline.store.pulls import conversations, lead_forms
from meta_pipeline.warehouse.changes import ChangeLog
from meta_pipeline.warehouse.completeness import differing_days, has_all_rows, repair_sentences
from meta_pipeline.warehouse.copied.conversations import ReadMessages, no_messages, replace_conversations
from meta_pipeline.warehouse.copied.days import sync_day_versions
from meta_pipeline.warehouse.copied.exchange_rates import NO_RATES, RateSettings, replace_rates, stored_rates
from meta_pipeline.warehouse.copied.graph_calls import calls_of_replaced, replace_calls
from meta_pipeline.warehouse.copied.leads import ReadLeads, no_leads, replace_leads
from meta_pipeline.warehouse.copied.nodes import replace_nodes
from meta_pipeline.warehouse.file_state import FileState, has_raw_tables, read_state, write_state
from meta_pipeline.warehouse.raw import histories
from meta_pipeline.warehouse.raw.rows import add_versions, ensure_table, replace_days
from meta_pipeline.warehouse.raw.unreadable import Unreadable, load_readable, skip
from meta_pipeline.warehouse.replaced_file import REBUILT, REPLACED, beside, discard, lock_error, replace
from meta_pipeline.warehouse.tables import OWN_DDL, TABLES, RawTable
from meta_pipeline.warehouse.transactions import cause_of, is_locked

# By default DuckDB uses most of the machine's memory; beyond this limit it spills to disk. dbt's limit is in
# `profiles.yml`.
_LIMITS: dict[str, str | bool | int | float | list[str]] = {"memory_limit": "1GB", "preserve_insertion_order": False}


@dataclass(frozen=True, slots=True)
class Loaded:
    """The result of a load: the number of files, a sentence for every landed file that could not be read, and one for
    every day that was loaded again because its rows in the warehouse differed from the ledger."""

    files: int
    skipped: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()


class Warehouse:
    """The file that only the loader and dbt open; readers open the published one. `insights`: the tables of the
    reports, beside those of the entities; `rates`: the settings of the reporting currency; `read_leads` and
    `read_messages` return the counted fields of leads and messages."""

    def __init__(
        self, file: Path, insights: Sequence[RawTable], *, rates: RateSettings = NO_RATES,
        read_leads: ReadLeads = no_leads, read_messages: ReadMessages = no_messages,
    ) -> None:
        self.file = file
        self.insights = tuple(insights)
        self.rates = rates
        self.read_leads, self.read_messages = read_leads, read_messages

    @contextlib.contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the warehouse for writing. A new file has a format that older DuckDB clients can open."""
        spilled = {"temp_directory": f"{self.file}.tmp"}  # DuckDB's default is the working directory
        connection = duckdb.connect(config={**_LIMITS, **spilled})
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            target = str(self.file).replace("'", "''")
            connection.execute(f"attach '{target}' as warehouse (storage_version 'v1.5.0')")
            connection.execute("use warehouse")
            connection.execute("set timezone = 'UTC'")
        except (duckdb.Error, OSError) as error:
            connection.close()
            raise self._refusal(error) from error
        try:
            yield connection
        except duckdb.Error as error:
            raise LoadError(f"can't read or write {self.file}: {cause_of(error)}") from error
        finally:
            with contextlib.suppress(duckdb.Error):  # closing writes, too: an earlier write has already raised
                connection.close()

    def _refusal(self, error: Exception) -> LoadError:
        cause = str(error).splitlines()[0]
        if is_locked(error):
            return LoadError(
                f"can't open {self.file}: another process writes it; readers use the published warehouse ({cause})"
            )
        if isinstance(error, OSError) or "permission denied" in cause.lower() or "read-only file" in cause.lower():
            return LoadError(f"can't open {self.file}: {cause}; check the disk and the permissions")
        return LoadError(
            f"can't open {self.file}: it is damaged or not a DuckDB file ({cause}); run `meta-pipeline rebuild`: "
            f"it makes a new file from everything that landed and keeps this one as {self.file.name}{REPLACED}"
        )

    def load(self, engine: sa.Engine, *, now: dt.datetime) -> Loaded:
        """Load everything that landed and waits in the ledger; running it again loads nothing. A file that can't be
        read is skipped and named. If the warehouse is not the file that the ledger refers to (it was lost, replaced or
        restored from an older copy), everything is loaded again. If a reload is requested, a new file is written beside
        the old one and replaces it once it is complete."""
        if not warehouse_state.find(engine).is_reload_requested:
            return self._load_file(engine, now=now, replaced=beside(self.file, REPLACED))
        if error := lock_error(self.file):
            raise self._refusal(error) from error
        new = Warehouse(
            beside(self.file, REBUILT), self.insights, rates=self.rates, read_leads=self.read_leads,
            read_messages=self.read_messages,
        )
        discard(new.file)
        load_queue.reset(engine)
        old = self.file if self.file.exists() else beside(self.file, REPLACED)
        loaded = new._load_file(engine, now=now, replaced=old)
        replace(self.file, new=new.file)
        warehouse_state.record_replacement(engine)
        return loaded

    def _load_file(self, engine: sa.Engine, *, now: dt.datetime, replaced: Path) -> Loaded:
        """Load into this file. `replaced`: the old file, from which a new one copies the calls."""
        stored, rates = warehouse_state.find(engine), self.rates.read()
        with self.open() as connection:
            file, is_new = read_state(connection), not has_raw_tables(connection)
            self._check_is_ours(file, stored)
            is_whole = is_new or not (stored.has_load(file.load_id) or stored.load_id is file.load_id is None)
            if is_whole:
                load_queue.reset(engine)
            connection.execute(OWN_DDL)
            log = ChangeLog(connection, max(file.loads, stored.loads) + 1)
            for table in (*self.insights, *TABLES):
                ensure_table(connection, table, log=log)
            differing = differing_days(connection, engine, self.insights)
            load_queue.reset_days(engine, (each.key for each in differing))
            load_id = secrets.token_hex(16)
            warehouse_state.start_load(engine, load_id=load_id)
            read_until = read_times.newest_read(engine)
            loaded = self._load(connection, engine, log=log, is_whole=is_whole, now=now)
            if is_new:
                replace_calls(connection, calls_of_replaced(replaced, identity=stored.identity))
            replace_calls(connection, audit_log.calls_by_day(engine))
            replace_nodes(connection, engine, log=log)
            replace_rates(connection, rates, log=log)
            forms = replace_leads(connection, engine, self.read_leads, log=log, is_whole=is_whole)
            read = replace_conversations(connection, engine, self.read_messages, log=log, is_whole=is_whole)
            identity = file.identity or secrets.token_hex(16)
            write_state(connection, FileState(identity, log.load_number, load_id), now=now)
        warehouse_state.finish_load(
            engine, identity=identity, loads=log.load_number, load_id=load_id, read_until=read_until
        )
        lead_forms.mark_loaded(engine, forms)
        conversations.mark_loaded(engine, read)
        return dataclasses.replace(loaded, repaired=repair_sentences(differing))

    def _load(
        self,
        connection: duckdb.DuckDBPyConnection,
        engine: sa.Engine,
        *,
        log: ChangeLog,
        is_whole: bool,
        now: dt.datetime,
    ) -> Loaded:
        names = [table.name for table in self.insights if table.has_versions]
        # Files of a report that was removed from the catalogue wait until it is added again.
        loadable = {table.name for table in (*self.insights, *TABLES)}
        files = [file for file in load_queue.waiting_files(engine) if file.report in loadable]
        versions = day_versions.find_waiting(engine, reports=names)
        unreadable: Unreadable = {}
        for table in (*self.insights, *TABLES):
            is_report = table in self.insights
            if waiting := [file for file in files if file.report == table.name]:
                write = functools.partial(replace_days, connection, table, log=log, has_drift=is_report)
                unreadable |= load_readable(waiting, write, table, lambda file: file)
            if earlier := [version for version in versions if version.file.report == table.name]:
                add = functools.partial(add_versions, connection, table, log=log)
                unreadable |= load_readable(
                    earlier, add, table, lambda version: version.file, has_versions=True
                )
        readable = [file for file in files if file.path not in unreadable]
        for file, error in histories.load(connection, engine, readable, log=log, is_whole=is_whole, now=now):
            unreadable.setdefault(file.path, (file, error))
        readable = [file for file in readable if file.path not in unreadable]
        if is_whole and files and not readable:
            file, error = next(iter(unreadable.values()))
            raise LoadError(
                f"none of the {len(files)} landed files can be read, for example {file.path}: "
                f"{str(error).splitlines()[0]}; make the landing folder readable, then run it again"
            )
        skipped = tuple(skip(engine, file, error) for file, error in unreadable.values())
        versioned = [table for table in self.insights if table.has_versions]
        sync_day_versions(connection, engine, versioned, log=log, is_whole=is_whole)
        load_queue.mark_loaded(engine, readable, now=now)
        loaded = [version for version in versions if version.file.path not in unreadable]
        day_versions.mark_loaded(engine, loaded, now=now)
        return Loaded(len(readable), skipped)

    def check_complete(self, engine: sa.Engine) -> None:
        """Raise LoadError unless the file holds all that the ledger lists as loaded: only then may it be published."""
        if not self.file.exists():
            raise LoadError(
                f"{self.file} does not exist: run `meta-pipeline build`, which loads everything that landed"
            )
        with self.open() as connection:
            stored = warehouse_state.find(engine)
            if not stored.has_load(read_state(connection).load_id):
                raise LoadError(
                    f"{self.file} is not the warehouse that was loaded last; nothing was published: "
                    "run `meta-pipeline build`, which loads everything again"
                )
            if has_all_rows(connection, engine, self.insights):
                return
            if differing := differing_days(connection, engine, self.insights):
                report, node_id, day = differing[0].key
                raise LoadError(
                    f"{self.file} differs from the ledger on {len(differing)} days, for example {report} of {node_id} "
                    f"on {day}; nothing was published: run `meta-pipeline build`, which loads them again"
                )

    def is_current(self, engine: sa.Engine) -> bool:
        """Return True when nothing has landed or was read since the last load, no lead and no conversation has changed,
        the file is the one loaded then, and it has the current exchange rates."""
        stored, names = warehouse_state.find(engine), [table.name for table in self.insights]
        rates = self.rates.read()
        if lead_forms.waiting_changes(engine) or conversations.waiting_changes(engine):
            return False
        if stored.is_reload_requested or not self.file.exists() or stored.read_until != read_times.newest_read(engine):
            return False
        reports = [*names, *(table.name for table in TABLES)]
        if load_queue.is_waiting(engine, reports=reports, with_versions=[*names, *histories.KINDS]):
            return False
        try:
            with contextlib.closing(duckdb.connect(str(self.file), read_only=True)) as connection:
                is_loaded = read_state(connection).load_id == stored.load_id is not None
                return is_loaded and stored_rates(connection) == rates
        except duckdb.Error:  # another process writes it, or it is damaged: a load reports which
            return False

    def _check_is_ours(self, file: FileState, stored: warehouse_state.WarehouseState) -> None:
        if stored.has_load(file.load_id) or None in (file.identity, stored.identity):
            return
        if file.identity != stored.identity:
            raise LoadError(
                f"{self.file} was made by another home, or before this home's warehouse was rebuilt: put the right "
                "file back, set META_PIPELINE_WAREHOUSE to another path, or run `meta-pipeline rebuild`, which "
                "makes a new file from everything that landed in this home and keeps this one as "
                f"{self.file.name}{REPLACED}"
            )
