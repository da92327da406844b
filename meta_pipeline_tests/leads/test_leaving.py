"""Erasing a Page erases its leads and their files, and a person is found by another spelling of a contact."""

from __future__ import annotations

import io
from typing import Any

import pytest

from harness.kills.planted_home import files_that_mention
from harness.sandbox import Sandbox
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.stored import forget as verb
from meta_pipeline.erasure.plan import kind_of, plan_for
from meta_pipeline.flows.leads import reading
from meta_pipeline.flows.leads.answers import write_answers_of
from meta_pipeline.flows.leaving.places import places_of, stored_facts
from meta_pipeline.records import ConfigError
from meta_pipeline.store.pulls import lead_forms
from meta_pipeline_tests.leads.conftest import OTHER_PAGE, PAGE
from meta_pipeline_tests.leads.test_answers import Name, files
from meta_pipeline_tests.leads.test_answers import name_viewers as name_viewers
from meta_pipeline_tests.leads.test_pulling import ANSWERS, plant, stored


def test_an_erased_page_leaves_no_lead_no_form_and_no_answer(runtime: Runtime, sandbox: Sandbox, name_viewers: Name) -> None:
    plant(sandbox)
    reading.pull_leads(runtime)
    write_answers_of(runtime)
    others = {id: record for id, record in stored(runtime).items() if record.owner != PAGE}

    verb.forget(runtime, "node", PAGE)

    assert stored(runtime) == others and {form.page_id for form in lead_forms.find(runtime.engine)} >= {OTHER_PAGE}
    assert PAGE not in {form.page_id for form in lead_forms.find(runtime.engine)}
    assert files_that_mention(runtime.settings.root, (PAGE, *ANSWERS.values())) == {}
    assert not (runtime.settings.root / "leads" / PAGE).exists()


@pytest.mark.parametrize("contact", ["0049 (171) 555-0000", "planted.Ann@EXAMPLE.com"])
def test_a_person_is_erased_by_another_spelling(runtime: Runtime, sandbox: Sandbox, name_viewers: Name, contact: str, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = plant(sandbox)
    reading.pull_leads(runtime)
    write_answers_of(runtime)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{contact}\n"))
    text = verb.read_contact()
    effect: dict[str, Any] = verb.effect_of(runtime, text, is_contact=True).as_json()
    assert effect["records"] == [planted] and set(files_that_mention(runtime.settings.root, tuple(ANSWERS.values()))) == {f"published/{files(runtime)[0]}"}

    verb.forget(runtime, "contact", text)

    assert planted not in stored(runtime) and stored(runtime)
    assert files_that_mention(runtime.settings.root, (*ANSWERS.values(), planted)) == {}
    reading.read_reported(runtime, PAGE, [planted])
    assert planted not in stored(runtime), "Meta still has it"


def test_a_text_that_is_no_address_and_no_number_erases_nobody(runtime: Runtime) -> None:
    facts = stored_facts(places_of(runtime))

    for text in ("Ann", "12", "act_1"):
        with pytest.raises(ConfigError, match="this is not an e-mail address"):
            plan_for("contact", text, facts)
    with pytest.raises(ConfigError, match="--contact"):
        kind_of("ann@example.com", facts)
