"""Leads are read by poll and by webhook, each once in any order; if Meta refuses a form, the others are still read."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import pytest

from harness.kills.planted_home import files_that_mention
from harness.sandbox import Sandbox
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.doctor.leads import check_leads
from meta_pipeline.flows.leads import reading
from meta_pipeline.records import ConfigError
from meta_pipeline.store.gateway import audit_log
from meta_pipeline.store.pulls import lead_forms
from meta_pipeline_tests.leads.conftest import NOW, OTHER_PAGE, PAGE

Clock = Callable[[dt.timedelta], dt.datetime]
ANSWERS = {"email": "planted.ann@example.com", "phone_number": "+491715550000", "why?": "because I planted this"}


def stored(runtime: Runtime) -> dict[str, Any]:
    return {record.id: record for record in runtime.sealed_stores["leads"].read()}


def plant(sandbox: Sandbox, **body: Any) -> str:
    return str(sandbox.control("leads", {"page_id": PAGE, "answers": ANSWERS, **body})["lead_id"])


def leads_calls(runtime: Runtime) -> list[str]:
    return [row["path"] for row in audit_log.find(runtime.engine, limit=1000) if row["path"].endswith("/leads")]


def test_ninety_days_are_read_once_and_then_only_new_leads(runtime: Runtime, sandbox: Sandbox, clock: Clock) -> None:
    first = {each.page_id: each for each in reading.pull_leads(runtime)}
    before = stored(runtime)

    assert set(first) >= {PAGE, OTHER_PAGE} and all(each.forms == 3 and not each.problems and not each.refused for each in first.values())
    assert sum(each.added for each in first.values()) == len(before) > 40
    assert all(NOW - dt.timedelta(days=90) < record.at <= NOW and record.content["answers"] for record in before.values())
    assert [each.added + each.changed for each in reading.pull_leads(runtime)] == [0] * len(first)

    clock(dt.timedelta(days=1))
    planted = plant(sandbox)
    again = {each.page_id: each for each in reading.pull_leads(runtime)}

    assert again[PAGE].added >= 1 and planted in stored(runtime)
    assert {answer["name"]: answer["values"][0] for answer in stored(runtime)[planted].content["answers"]} == ANSWERS
    assert before.items() <= stored(runtime).items()


@pytest.mark.parametrize("seed", range(4))
def test_webhook_and_poll_in_any_order_store_each_lead_once(runtime: Runtime, sandbox: Sandbox, seed: int) -> None:
    planted = [plant(sandbox) for _ in range(3)]
    steps: list[Callable[[], Any]] = [
        lambda: reading.pull_leads(runtime), lambda: reading.read_reported(runtime, PAGE, planted[:2]),
        lambda: reading.read_reported(runtime, PAGE, planted[1:]), lambda: reading.pull_leads(runtime, page_ids=[PAGE]),
    ]
    for step in random.Random(seed).sample(steps, len(steps)):
        step()

    ids = [entry.id for entry in runtime.sealed_stores["leads"].entries()]
    assert len(ids) == len(set(ids)) and set(planted) <= set(ids)
    assert lead_forms.waiting_changes(runtime.engine)


def test_only_the_reported_lead_is_read(runtime: Runtime, sandbox: Sandbox) -> None:
    planted = plant(sandbox)

    result = reading.read_reported(runtime, PAGE, [planted])

    assert (result.added, result.problems, result.refused) == (1, [], []) and list(stored(runtime)) == [planted]
    assert leads_calls(runtime) == []


def test_a_form_that_leads_access_manager_refuses_is_named_and_the_others_are_read(runtime: Runtime, sandbox: Sandbox) -> None:
    submitted = sandbox.control("leads", {"page_id": PAGE, "answers": ANSWERS})
    planted, form_id = submitted["lead_id"], submitted["form_id"]
    sandbox.control("world", {"refused_leads": [form_id]})

    (result,) = reading.pull_leads(runtime, page_ids=[PAGE])
    reported = reading.read_reported(runtime, PAGE, [planted])

    (sentence,) = result.refused
    assert "Leads Access Manager refuses the leads of the form Newsletter" in sentence and "Northwind" in sentence
    assert result.added and result.problems == [] and form_id not in {record.group for record in stored(runtime).values()}
    assert {each.form_id: each.refusal for each in lead_forms.find(runtime.engine, page_id=PAGE) if each.refusal} == {form_id: sentence}
    bad, good = check_leads(runtime, now=runtime.now())
    assert (bad.is_ok, bad.message, good.is_ok) == (False, sentence, True)
    assert reported.added == 0 and "Leads Access Manager refuses leads of the Page Northwind" in reported.refused[0]
    sandbox.control("world", {"refused_leads": []})
    (result,) = reading.pull_leads(runtime, page_ids=[PAGE])
    assert result.refused == [] and result.added and planted in stored(runtime)
    assert not [each for each in lead_forms.find(runtime.engine) if each.refusal]


def test_a_missing_task_is_named_for_its_page_alone(runtime: Runtime, sandbox: Sandbox) -> None:
    sandbox.control("tasks", {"node": PAGE, "tasks": ["ANALYZE"]})

    results = {each.page_id: each for each in reading.pull_leads(runtime)}

    assert "Northwind" in results[PAGE].refused[0] and "MANAGE_LEADS" in results[PAGE].refused[0] and results[PAGE].added == 0
    assert results[OTHER_PAGE].refused == [] and results[OTHER_PAGE].added > 0


def test_an_erased_lead_is_not_read_again(runtime: Runtime, sandbox: Sandbox) -> None:
    planted = plant(sandbox)
    reading.pull_leads(runtime)

    runtime.sealed_stores["leads"].delete(PAGE, [planted])
    reading.read_reported(runtime, PAGE, [planted])
    reading.pull_leads(runtime)

    assert planted not in stored(runtime)


def test_leads_older_than_the_setting_are_not_stored(runtime: Runtime) -> None:
    object.__setattr__(runtime.settings, "leads_days", 30)

    reading.pull_leads(runtime)

    assert min(record.at for record in stored(runtime).values()) > NOW - dt.timedelta(days=30)


def test_while_leads_are_off_the_error_names_what_they_need_and_nothing_is_sent(runtime: Runtime) -> None:
    object.__setattr__(runtime.settings, "features", "webhooks")
    before = len(audit_log.find(runtime.engine, limit=1000))

    for read in (lambda: reading.pull_leads(runtime), lambda: reading.read_reported(runtime, PAGE, ["1"])):
        with pytest.raises(ConfigError) as refused:
            read()
        assert all(part in str(refused.value) for part in ("leads in META_PIPELINE_FEATURES", "leads_retrieval", "pages_manage_ads", "MANAGE_LEADS"))
        assert str(refused.value).endswith("nothing was sent")
    assert len(audit_log.find(runtime.engine, limit=1000)) == before


def test_the_answers_of_people_are_in_no_file_of_the_home(runtime: Runtime, sandbox: Sandbox) -> None:
    planted = plant(sandbox)
    reading.pull_leads(runtime)
    reading.read_reported(runtime, PAGE, [planted])
    sandbox.control("world", {"refused_leads": [PAGE]})
    reading.pull_leads(runtime)

    assert f"leads/{PAGE}/2026-11.parquet" in files_that_mention(runtime.settings.root, (planted,)), "ids are in the clear"
    assert files_that_mention(runtime.settings.root, (*ANSWERS.values(), "planted.ann", "5550000", "mail.example", "Hoffmann")) == {}
