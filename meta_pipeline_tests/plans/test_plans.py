"""A plan creates each of its objects once, whatever happens to its calls, and leaves nothing when it is rolled back."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from meta_pipeline.audit import AuditEvent
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.features import FEATURES
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.plans import decide, stored
from meta_pipeline.plans.applying import Run, apply
from meta_pipeline.plans.plan import Plan, PlanFailedError, new_plan, tag_of
from meta_pipeline.plans.rollback import roll_back
from meta_pipeline.plans.step import Created, ReadBack, Step, StepRecord, Wait, from_json, ref, to_json
from meta_pipeline.records import AccessToken, ConfigError
from meta_pipeline.store.engine import open_store
from meta_pipeline_tests.fakes.objects_at_meta import Killed, ObjectsAtMeta

TOKEN = AccessToken(kind="user", value="EAAB", ref="ref1")
PLAN_ID = "0123456789ab"
NAMES = ("campaign", "ad_set", "ad")
EDGES = {"campaign": "campaigns", "ad_set": "adsets", "ad": "ads"}


def step(name: str, **values: Any) -> Step:
    earlier = NAMES[: NAMES.index(name)]
    tagged = f"Spring {tag_of(PLAN_ID)} {name}"
    return Step(**{
        "name": name, "write": WriteKind.AD_CREATION, "path": f"act_1/{EDGES[name]}", "creates": f"the {name}",
        "object_kind": name, "reads": CallKind.AD_OBJECTS, "undo": WriteKind.AD_REMOVAL,
        "body": {"name": tagged, "under": {"ids": [ref(each) for each in earlier]}},
        "read_back": ReadBack(path=f"act_1/{EDGES[name]}", equals={"name": tagged}, fields=("id", "name")), **values,
    })


def plan_of(*steps: Step) -> Plan:
    return new_plan(
        id=PLAN_ID, kind="reel_ad", title="Spring", node_id="act_1", token_ref="ref1", spec={"name": "Spring"},
        steps=steps or tuple(map(step, NAMES)), now=ObjectsAtMeta().at,
    )


class World:
    """A control store, a gateway and the server of objects, with a plan in the store."""

    def __init__(self, path: Path, meta: ObjectsAtMeta, plan: Plan | None = None, features: Any = FEATURES) -> None:
        self.meta, self.events = meta, list[AuditEvent]()
        self.engine = open_store(f"sqlite:///{path / 'control.sqlite'}")
        client = GraphClient(
            graph_url="http://meta", app_id="1", app_secret="an-app-secret", graph_version="v24.0", marketing_version="v26.0",
            audit=self.events.append, features=features, sleep=meta.sleep, now=meta.now, adapter=meta,
        )
        self.run = Run(
            engine=self.engine, graph=client, token=TOKEN, now=meta.now, sleep=meta.sleep, command="ads",
            performers={"upload": upload},
        )
        if plan is not None:
            stored.keep(self.engine, plan)

    def until_applied(self) -> Plan:
        """Apply again after each kill or failure, as a person would."""
        for _ in range(10):
            try:
                return apply(PLAN_ID, run=self.run)
            except (Killed, PlanFailedError):
                continue
        raise AssertionError("never applied")

    @property
    def created(self) -> list[str]:
        return sorted(each["edge"] for each in self.meta.objects.values())


def upload(step: Step, path: str, body: Any, progress: dict[str, Any], *, save: Any, run: Run, plan: Plan) -> Created:
    """Create an object with two calls; the first is not repeated after its progress is saved."""
    if "object_id" not in progress:
        answer = run.graph.write(step.write, path, body, token=run.token, plan_id=plan.id)
        save(progress := {**progress, "object_id": answer.object["id"]})
    if not progress.get("finished"):
        run.graph.write(WriteKind.AD_CHANGE, progress["object_id"], {"x": 1}, token=run.token, plan_id=plan.id)
        save(progress := {**progress, "finished": True})
    return Created(object_id=progress["object_id"], outputs={"picture": "https://x"})


def test_steps_are_created_in_order_and_refer_to_each_other(tmp_path: Path) -> None:
    world = World(tmp_path, ObjectsAtMeta(), plan_of())
    plan = apply(PLAN_ID, run=world.run)

    assert plan.status == "applied" and [record.status for record in plan.steps] == ["done"] * 3
    ids = [str(record.object_id) for record in plan.steps]
    assert world.meta.objects[ids[2]]["under"] == f'{{"ids":["{ids[0]}","{ids[1]}"]}}'
    calls = len(world.events)
    assert apply(PLAN_ID, run=world.run) == plan and len(world.events) == calls
    assert {(event.method, event.plan_id, event.node_id) for event in world.events} == {("POST", PLAN_ID, "act_1")}
    assert all("Spring" not in repr(event) for event in world.events)


@pytest.mark.parametrize("fault", ["lost request", "lost answer", "killed before", "killed after"])
@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("shown_after_s", [0.0, 20.0])
def test_a_call_without_a_clear_answer_creates_one_object(
    tmp_path: Path, fault: Any, number: int, shown_after_s: float
) -> None:
    world = World(tmp_path, ObjectsAtMeta({number: fault}, shown_after_s), plan_of())
    plan = world.until_applied()

    assert plan.status == "applied" and world.created == ["act_1/ads", "act_1/adsets", "act_1/campaigns"]
    assert {record.object_id for record in plan.steps} == set(world.meta.objects)
    roll_back(PLAN_ID, run=world.run)
    assert world.meta.objects == {}


def test_a_failure_says_what_exists_and_what_to_do(tmp_path: Path) -> None:
    world = World(tmp_path, ObjectsAtMeta({1: "refused"}), plan_of())
    with pytest.raises(PlanFailedError) as failed:
        apply(PLAN_ID, run=world.run)

    campaign = stored.load(world.engine, PLAN_ID).step("campaign").object_id
    assert str(failed.value) == (
        f"plan {PLAN_ID} stopped: (100) the budget is too low. What exists: the campaign {campaign}. "
        f"`meta-pipeline ads apply {PLAN_ID}` continues from here, `meta-pipeline ads rollback {PLAN_ID}` removes it"
    )
    assert stored.load(world.engine, PLAN_ID).status == "failed"
    assert apply(PLAN_ID, run=world.run).status == "applied" and len(world.meta.objects) == 3


@pytest.mark.parametrize("number", range(4, 7))
@pytest.mark.parametrize("fault", ["lost request", "lost answer", "killed after"])
def test_a_rollback_can_be_repeated_until_nothing_is_left(tmp_path: Path, number: int, fault: Any) -> None:
    world = World(tmp_path, ObjectsAtMeta({number - 1: fault}), plan_of())
    apply(PLAN_ID, run=world.run)
    for _ in range(3):
        try:
            plan = roll_back(PLAN_ID, run=world.run)
            break
        except Killed:
            continue

    assert plan.status == "rolled_back" and world.meta.objects == {}
    deleted = [path for method, path in world.meta.writes if method == "DELETE"]
    assert list(dict.fromkeys(deleted)) == [record.object_id for record in reversed(plan.steps)]
    with pytest.raises(ConfigError, match="rolled back"):
        apply(PLAN_ID, run=world.run)


def test_an_object_that_meta_creates_late_and_twice_is_reported(tmp_path: Path) -> None:
    """The listings show the object too late, so that the call is sent again."""
    world = World(tmp_path, ObjectsAtMeta({0: "lost answer"}, shown_after_s=100.0), plan_of())
    meta = world.meta
    meta.on_write = lambda edge: meta.sleep(60.0) if edge.endswith("ads") else None
    with pytest.raises(PlanFailedError, match="the campaign exists 2 times"):
        apply(PLAN_ID, run=world.run)

    meta.sleep(100.0)
    roll_back(PLAN_ID, run=world.run)
    assert meta.objects == {}


def test_a_refusal_after_an_unknown_outcome_is_checked_again(tmp_path: Path) -> None:
    """What the first call created is found by the next run, although the second call was refused."""
    world = World(tmp_path, ObjectsAtMeta({0: "lost answer", 1: "refused"}, shown_after_s=60.0), plan_of())
    with pytest.raises(PlanFailedError, match="perhaps the campaign"):
        apply(PLAN_ID, run=world.run)
    world.meta.sleep(60.0)
    apply(PLAN_ID, run=world.run)

    assert world.created.count("act_1/campaigns") == 1


def test_an_edge_that_accepts_no_filter_is_listed_completely(tmp_path: Path) -> None:
    tagged = f"Spring {tag_of(PLAN_ID)} campaign"
    filtered = ReadBack(path="act_1/campaigns", equals={"name": tagged}, params={"filtering": [{"field": "name"}]})
    world = World(tmp_path, ObjectsAtMeta({0: "lost answer"}, takes_filters=False), plan_of(step("campaign", read_back=filtered)))
    apply(PLAN_ID, run=world.run)

    assert world.created == ["act_1/campaigns"]


def test_a_rollback_removes_objects_that_exist_twice(tmp_path: Path) -> None:
    """Meta may handle a request after the client has given up and has read the objects back."""
    world = World(tmp_path, ObjectsAtMeta(), plan_of())
    plan = apply(PLAN_ID, run=world.run)
    double = world.meta.objects[str(plan.step("ad").object_id)]
    world.meta.objects["77"] = {**double, "id": "77"}
    world.meta.objects["78"] = {**double, "id": "78", "name": "of somebody else"}
    roll_back(PLAN_ID, run=world.run)

    assert list(world.meta.objects) == ["78"]


def test_a_performer_resumes_from_its_progress(tmp_path: Path) -> None:
    video = step("campaign", performer="upload", read_back=None)
    ad_set = step("ad_set", body={"name": f"Spring {tag_of(PLAN_ID)} ad_set", "image_url": ref("campaign", "picture")})
    world = World(tmp_path, ObjectsAtMeta({1: "killed after"}), plan_of(video, ad_set))
    # The second call goes to the node itself, which the server takes for an edge.
    world.until_applied()

    edges = [each["edge"] for each in world.meta.objects.values()]
    assert edges.count("act_1/campaigns") == 1 and edges.count("act_1/adsets") == 1
    assert next(each for each in world.meta.objects.values() if each["edge"] == "act_1/adsets")["image_url"] == "https://x"


@pytest.mark.parametrize(
    "states,outcome", [
        (["IN_PROGRESS", "FINISHED"], "applied"), (["ERROR"], "can't process"), (["IN_PROGRESS"] * 500, "not ready"),
        (["EXPIRED", "FINISHED"], "applied"), (["EXPIRED"] * 99, "again and again"),
    ],
)
def test_an_object_is_polled_until_it_is_ready(tmp_path: Path, states: list[str], outcome: str) -> None:
    wait = Wait(status="state", done=("FINISHED",), failed=("ERROR",), renewed_on=("EXPIRED",), longest_s=60.0)
    meta, coming = ObjectsAtMeta(), iter(states)
    meta.on_read = lambda node: node.update(state=next(coming))
    world = World(tmp_path, meta, plan_of(step("campaign", wait=wait), step("ad_set")))
    if outcome == "applied":
        plan = apply(PLAN_ID, run=world.run)
        assert plan.status == outcome and world.created.count("act_1/adsets") == 1
        assert world.created.count("act_1/campaigns") == 1 + states.count("EXPIRED")
    else:
        with pytest.raises(PlanFailedError, match=outcome):
            apply(PLAN_ID, run=world.run)
        assert set(world.created) == {"act_1/campaigns"}


def test_objects_that_expire_are_polled_again_before_they_are_used() -> None:
    expiring = Wait(status="s", done=("F",), renewed_on=("EXPIRED",))
    records = [
        StepRecord(position=at, step=step(name, wait=expiring if name != "ad" else None), status="done", object_id="1")
        for at, name in enumerate(NAMES)
    ]

    def change(at: int, **values: Any) -> list[StepRecord]:
        return [dataclasses.replace(record, **values) if record.position == at else record for record in records]

    assert decide.to_poll_again(records) == []
    assert decide.to_poll_again(change(2, status="planned")) == records[:2]
    assert decide.to_poll_again(change(2, status="sending")) == []
    assert decide.renewed_with(records[0], records) == records[:2]


def test_without_its_feature_nothing_of_a_plan_is_sent(tmp_path: Path) -> None:
    world = World(tmp_path, ObjectsAtMeta(), plan_of(), features=set(FEATURES) - {"ads_creation"})
    for flow in (apply, roll_back):
        with pytest.raises(ConfigError, match="ads_creation in META_PIPELINE_FEATURES"):
            flow(PLAN_ID, run=world.run)
    assert world.events == []


def test_a_step_is_unchanged_after_serialization() -> None:
    full = step("ad", wait=Wait(status="a.b", done=("x",), outputs={"picture": "picture"}), local={"path": "x.mp4"})

    assert from_json(to_json(full)) == full
