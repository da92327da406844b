"""The steps of a plan as data: what is sent, how it is found again, waited for and undone. No I/O."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.records import ConfigError

StepStatus = Literal["planned", "sending", "created", "done", "removed"]
_REFERENCE = "$from"


def ref(step: str, output: str = "id") -> dict[str, str]:
    """Return a reference, for a body, to the id of what an earlier step created, or to another output of it."""
    return {_REFERENCE: step, "output": output}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """The way to find what a step created: the objects of an edge whose fields have these values (references allowed).

    `has_tag`: one of the values is a tag that only this plan writes, so every match belongs to it. `since`: a
    time field; without a tag, only what was created after the call was sent matches."""

    path: str
    equals: Mapping[str, Any]
    fields: tuple[str, ...] = ("id",)
    params: Mapping[str, Any] = field(default_factory=dict)
    has_tag: bool = True
    since: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """The field to poll until an object is ready: `status` is a field (dots for nested ones) of the object at `path`.

    `renewed_on`: values after which the object is created again, such as EXPIRED. `outputs`: names for later
    references, by the field that they are read from once the object is ready."""

    status: str
    done: tuple[str, ...]
    failed: tuple[str, ...] = ()
    renewed_on: tuple[str, ...] = ()
    path: str = "{self}"
    fields: tuple[str, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    every_s: float = 5.0
    longest_s: float = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change of a plan. `object_kind`: what it creates, such as campaign; `local`: data of the performer that is
    not sent, such as a file's path; `id_field`: the field of the answer that has the new id; `dry_run`: further
    parameters with which Meta only checks the call, which is done once before it is sent."""

    name: str
    write: WriteKind
    path: str
    creates: str
    object_kind: str
    reads: CallKind
    body: Mapping[str, Any] = field(default_factory=dict)
    costs: str = "nothing"
    read_back: ReadBack | None = None
    wait: Wait | None = None
    undo: WriteKind | None = None
    performer: str | None = None
    local: Mapping[str, Any] = field(default_factory=dict)
    id_field: str = "id"
    dry_run: Mapping[str, Any] | None = None

    def refers(self) -> bool:
        """Return whether its path or body refers to what an earlier step creates."""
        return "{" in self.path or _has_reference(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """A step with its status. `progress` holds what the performer and the wait stored; `sent_at`: when its call
    was first sent."""

    position: int
    step: Step
    status: StepStatus = "planned"
    object_id: str | None = None
    sent_at: dt.datetime | None = None
    progress: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """Return whether its object is recorded as existing at Meta."""
        return self.status in ("created", "done")


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """An object that a performer created: its id, and outputs that later steps can refer to."""

    object_id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


class Values:
    """The ids and outputs of the steps so far, by the name of the step."""

    def __init__(self, steps: Sequence[StepRecord]) -> None:
        self._values = {
            record.step.name: {**record.progress.get("outputs", {}), "id": record.object_id}
            for record in steps if record.object_id
        }

    def path(self, path: str, *, own_id: str | None = None) -> str:
        """Return a path with the ids that it refers to."""
        ids = {name: values["id"] for name, values in self._values.items()} | ({"self": own_id} if own_id else {})
        try:
            return path.format_map(ids)
        except KeyError as error:
            raise ConfigError(f"the plan refers to {error.args[0]}, which no earlier step has created") from None

    def body(self, body: Any) -> Any:
        """Return a body with the values that it refers to."""
        match body:
            case {"$from": str(step), "output": str(output)} if len(body) == 2:  # see `ref`
                try:
                    return self._values[step][output]
                except KeyError:
                    raise ConfigError(f"the plan refers to {output} of {step}, which does not exist yet") from None
            case Mapping():
                return {name: self.body(value) for name, value in body.items()}
            case list() | tuple():
                return [self.body(value) for value in body]
        return body


def _has_reference(body: Any) -> bool:
    match body:
        case Mapping():
            return _REFERENCE in body or any(map(_has_reference, body.values()))
        case list() | tuple():
            return any(map(_has_reference, body))
    return False


def nested(row: Mapping[str, Any], name: str) -> Any:
    """Return a field of an object of Graph, dots for nested ones; None where it is absent."""
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def to_json(step: Step) -> dict[str, Any]:
    """Return a step as JSON."""
    names = ("name", "path", "creates", "object_kind", "body", "costs", "performer", "local", "id_field", "dry_run")
    return {
        **{name: getattr(step, name) for name in names},
        "write": step.write.name, "reads": step.reads.name, "undo": step.undo.name if step.undo else None,
        "read_back": _json_of(step.read_back), "wait": _json_of(step.wait),
    }


def from_json(data: Mapping[str, Any]) -> Step:
    """Return the step that `to_json` made."""
    return Step(**{
        **data,
        "write": WriteKind[data["write"]], "reads": CallKind[data["reads"]],
        "undo": WriteKind[data["undo"]] if data["undo"] else None,
        "read_back": ReadBack(**_tuples(data["read_back"])) if data["read_back"] else None,
        "wait": Wait(**_tuples(data["wait"])) if data["wait"] else None,
    })


def _json_of(part: ReadBack | Wait | None) -> dict[str, Any] | None:
    return None if part is None else {name: getattr(part, name) for name in type(part).__dataclass_fields__}


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
