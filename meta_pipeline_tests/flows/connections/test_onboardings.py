"""Onboardings: the permissions that they need, a second run, and when they count as abandoned."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.consent.scopes import scopes_for
from meta_pipeline.consent.state import ConsentError
from meta_pipeline.flows.connections import consents
from meta_pipeline.store.connections import onboardings
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.coordination.processes import identity
from meta_pipeline.store.schema.connections import tokens as token_table


@pytest.fixture
def runtime(tmp_path: Path) -> FrozenRuntime:
    return FrozenRuntime(tmp_path)


def test_without_read_insights_the_first_look_names_the_missing_permission(runtime: FrozenRuntime) -> None:
    runtime.onboard(runtime.mint(days=60, scopes=tuple(set(scopes_for(2)) - {"read_insights"})))
    onboarding = onboardings.latest(runtime.engine, 1)[0]
    account, page = consents.first_look(
        onboarding.id, list_links(runtime.engine), graph=runtime.client, tokens=runtime.vault, engine=runtime.engine, now=runtime.clock.now()
    )

    assert int(account["figures"]["impressions"]) > 0
    assert "lacks the permission read_insights" in page["trouble"] and "figures" not in page


def test_a_token_that_reads_nothing_is_refused_and_deleted(runtime: FrozenRuntime) -> None:
    with pytest.raises(ConsentError, match="ads_read"):
        runtime.onboard(runtime.mint(days=60, scopes=("instagram_basic",)))
    with runtime.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(token_table)).scalar() == 0
    assert onboardings.latest(runtime.engine, 1)[0].status == "failed"


def test_a_second_onboarding_makes_no_call(runtime: FrozenRuntime) -> None:
    runtime.onboard(runtime.mint(days=60))
    onboarding, calls = onboardings.latest(runtime.engine, 1)[0], dict(runtime.graph.calls)
    consents.finish(runtime.engine, onboarding.id, now=runtime.clock.now())
    again = consents.onboard(
        onboarding.id, graph=runtime.client, tokens=runtime.vault, engine=runtime.engine, now=runtime.clock.now, sleep=runtime.clock.sleep
    )

    assert again == list_links(runtime.engine) and dict(runtime.graph.calls) == calls


def waiting_onboarding(runtime: FrozenRuntime) -> str:
    return consents.accept_token(
        runtime.mint(days=None), phase=1, through="a test", tokens=runtime.vault, engine=runtime.engine, now=runtime.clock.now()
    )


def status_of(runtime: FrozenRuntime, id: str) -> str | None:
    onboarding = onboardings.get(runtime.engine, id)
    return onboarding.status if onboarding else None


def test_an_onboarding_that_no_process_started_fails_after_an_hour_and_its_token_is_deleted(runtime: FrozenRuntime) -> None:
    abandoned = waiting_onboarding(runtime)
    runtime.clock.sleep(3599)
    consents.fail_abandoned(tokens=runtime.vault, engine=runtime.engine, now=runtime.clock.now())
    assert status_of(runtime, abandoned) == "waiting"
    waiting = waiting_onboarding(runtime)
    runtime.clock.sleep(1)
    consents.fail_abandoned(tokens=runtime.vault, engine=runtime.engine, now=runtime.clock.now())

    failed = onboardings.get(runtime.engine, abandoned)
    assert failed and failed.reason and failed.status == "failed" and "did not run within an hour" in failed.reason
    assert failed.ended_at == runtime.clock.now()
    assert status_of(runtime, waiting) == "waiting"
    with runtime.engine.connect() as connection:
        assert list(connection.execute(sa.select(token_table.c.id)).scalars()) == [waiting]


def test_an_onboarding_whose_process_hangs_fails_after_a_day(runtime: FrozenRuntime) -> None:
    id = consents.accept_token(
        runtime.mint(days=None), phase=1, through="a test", holder=identity(), tokens=runtime.vault, engine=runtime.engine,
        now=runtime.clock.now(),
    )
    runtime.clock.sleep(24 * 3600 - 1)
    consents.fail_abandoned(tokens=runtime.vault, engine=runtime.engine, now=runtime.clock.now())
    assert status_of(runtime, id) == "waiting"
    runtime.clock.sleep(1)
    consents.fail_abandoned(tokens=runtime.vault, engine=runtime.engine, now=runtime.clock.now())

    assert status_of(runtime, id) == "failed"
