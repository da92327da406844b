"""`forget` and `receipt verify` in sentences."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.display import printable
from meta_pipeline.erasure import receipt
from meta_pipeline.erasure.erasure_plan import ErasurePlan
from meta_pipeline.erasure.plan import kind_of, plan_for
from meta_pipeline.flows.leaving.callbacks import request_erasure
from meta_pipeline.flows.leaving.erasing import run_erasures
from meta_pipeline.flows.leaving.places import completed, overridden_floors, owners_of, places_of, stored_facts
from meta_pipeline.records import ConfigError
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.leaving import erased_rows, erasures
from meta_pipeline.store.leaving.erasures import SubjectKind
from meta_pipeline.vault import signing_key

ORIGIN = "forget"


@dataclass(frozen=True)
class Effect:
    """The data that `forget` would erase. `names`: of nodes, by id; `rows`: how many of the control store."""

    kind: SubjectKind
    plan: ErasurePlan
    names: dict[str, str]
    rows: int
    overridden: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return the effect as JSON values."""
        def nodes(ids: Any) -> list[dict[str, str]]:
            return [
                {"id": id, **({"kind": self.plan.nodes[id]} if id in self.plan.nodes else {}),
                 "name": self.names.get(id, "")} for id in ids
            ]

        return {
            "subject_kind": self.kind, "nodes": nodes(self.plan.nodes), "nodes_that_others_reach": nodes(
                self.plan.shared
            ),
            "businesses": list(self.plan.businesses), "people": list(self.plan.people),
            "tokens": list(self.plan.refs), "records": list(self.plan.records), "rows_of_the_control_store": self.rows,
            "retention_overridden": self.overridden,
        }

    def sentences(self) -> Iterator[str]:
        """Yield the effect in sentences."""
        plan = self.plan
        if self.kind == "contact":
            yield f"this erases {counted(len(plan.records), 'record')} of what this person submitted or wrote to Pages"
            return
        yield f"this erases {counted(len(plan.nodes), 'node')} with all data, and {counted(len(plan.refs), 'token')}:"
        yield from (f"  {kind} {id} {self._name(id)}".rstrip() for id, kind in plan.nodes.items())
        if plan.businesses:
            count = counted(len(plan.businesses), "business", "businesses")
            yield f"  the names of {count}: {', '.join(plan.businesses)}"
        if plan.people:
            yield f"  everything about {counted(len(plan.people), 'person', 'people')}: {', '.join(plan.people)}"
        if plan.tenant:
            yield f"  the published file of the tenant {plan.tenant}; remove its table from META_PIPELINE_TENANTS"
        for id in plan.shared:
            yield f"{id} {self._name(id)} stays: others have access to it"
        yield from self.overridden

    def _name(self, id: str) -> str:
        return printable(self.names.get(id, ""), limit=100)


def read_contact() -> str:
    """Return the e-mail address, phone number or @name that is piped in, or typed without being shown: as an argument
    it would stay in the shell's history. Raise ConfigError when there is none."""
    is_typed = sys.stdin.isatty()
    text = getpass.getpass("E-mail address, phone number or @name: ") if is_typed else sys.stdin.readline()
    if not text.strip():
        raise ConfigError("no e-mail address, phone number or @name came on standard input")
    return text.strip()


def effect_of(runtime: Runtime, subject: str, *, is_contact: bool = False) -> Effect:
    """Return what `forget` would erase of a person, node or tenant, or of somebody who wrote to a Page. Write
    nothing."""
    places = places_of(runtime)
    stored = stored_facts(places)
    kind: SubjectKind = "contact" if is_contact else kind_of(subject, stored)
    plan = plan_for(kind, subject, stored)
    if is_contact:
        plan = completed(plan, places)
    rows = erased_rows.count_owned(places.engine, owners_of(plan, places))
    return Effect(
        kind, plan, {link.id: link.name for link in list_links(places.engine)}, sum(rows.values()),
        overridden_floors(plan, places.intake.tenants),
    )


def forget(runtime: Runtime, kind: SubjectKind, subject: str) -> Path:
    """Erase a subject, and all others that are queued; return the location of its receipt."""
    code = request_erasure(kind, subject, ORIGIN, tokens=runtime.vault, engine=runtime.engine, now=runtime.now())
    run_erasures(places_of(runtime))
    erasure = erasures.find(runtime.engine, code)
    if erasure is None or erasure.status != "done":
        raise ConfigError(
            f"another process is erasing now: this erasure is queued as {code}, and that process carries it out; if it "
            "ends before, `serve` or the next `forget` does"
        )
    return receipt.location_of(runtime.settings.root, code)


def verify(runtime: Runtime, file: Path) -> dict[str, Any]:
    """Return the content of a receipt. Raise ReceiptError unless this installation has signed it."""
    engine = runtime.engine
    return receipt.verify(file, is_signed=lambda content, text: signing_key.is_signed(engine, content, text))
