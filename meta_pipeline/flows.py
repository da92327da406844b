"""The score: what follows what. Steps never call steps; these functions do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence

import sqlalchemy as sa

from meta_pipeline.consent import oauth
from meta_pipeline.consent.scopes import missing_scopes
from meta_pipeline.consent.state import ConsentError
from meta_pipeline.extract import entities
from meta_pipeline.extract.fetch import Fetcher, Pull
from meta_pipeline.extract.insights import Range, ranges
from meta_pipeline.extract.reports import REPORTS
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import ThrottledError, TokenError, TooMuchDataError
from meta_pipeline.graph.request import Errand, Purpose
from meta_pipeline.landing.landing import SNAPSHOT_DAY, Landing
from meta_pipeline.linker import links
from meta_pipeline.linker.discover import discover
from meta_pipeline.records import (
    AccessToken,
    FailedDay,
    LandedFile,
    LandingError,
    MetaPipelineError,
    NodeLink,
    TokenRef,
)
from meta_pipeline.store import audit_log, deferrals, ledger
from meta_pipeline.vault.vault import Vault

# A user token that lives shorter than this is a short-lived one: 1–2 h against 60 days (graph-api.md §4.2).
SHORT_LIVED = dt.timedelta(days=1)


def keep(
    token: AccessToken, *, graph: GraphClient, tokens: Vault, app_id: str, app_secret: str, now: dt.datetime
) -> TokenRef:
    """Inspect a token and seal it: from here on only its ref is handed around. One that can't read ads is refused."""
    facts = oauth.inspect(token, graph=graph, app_id=app_id, app_secret=app_secret)
    if not {"ads_read", "ads_management"} & set(facts.scopes):
        needed = next(scope for scope in missing_scopes(facts.scopes) if scope.name == "ads_read")
        raise ConsentError(
            "invalid_scope",
            f"the token lacks the permission {needed.name} ({needed.needed_for}): grant it and connect again",
        )
    name = str(graph.get("me", {"fields": "id,name"}, token=token).data.get("name", facts.user_id))
    return tokens.keep(
        AccessToken(facts.kind, token.value), subject_id=facts.user_id, subject_name=name, scopes=facts.scopes,
        expires_at=facts.expires_at, data_access_expires_at=facts.data_access_expires_at, now=now,
    )


def onboard(
    ref: TokenRef,
    *,
    graph: GraphClient,
    tokens: Vault,
    engine: sa.Engine,
    app_id: str,
    app_secret: str,
    now: dt.datetime,
) -> list[NodeLink]:
    """A sealed token becomes links: long-lived exchange where it is short-lived, discovery, links in the store."""
    if ref.kind == "user" and ref.expires_at and ref.expires_at - now < SHORT_LIVED:
        longer = oauth.exchange_long_lived(
            tokens.reveal(ref.id), graph=graph, app_id=app_id, app_secret=app_secret
        )
        ref = keep(longer, graph=graph, tokens=tokens, app_id=app_id, app_secret=app_secret, now=now)

    def keep_page_token(page_id: str, page_name: str, token: AccessToken) -> str:
        return tokens.keep(
            token, subject_id=page_id, subject_name=page_name, scopes=ref.scopes, expires_at=None,
            data_access_expires_at=ref.data_access_expires_at, now=now,
        ).id

    found = discover(
        graph=graph, token=tokens.reveal(ref.id), token_ref=ref.id, keep_page_token=keep_page_token
    )
    links.save(engine, found, now=now)
    return found


def land(
    node_id: str,
    days: Sequence[dt.date],
    reports: Sequence[str],
    *,
    graph: GraphClient,
    tokens: Vault,
    landing: Landing,
    engine: sa.Engine,
    run_id: str,
    backfill_id: str,
    purpose: Purpose = "daily",
    sleep: Callable[[float], None],
    now: Callable[[], dt.datetime],
) -> Iterator[LandedFile | FailedDay]:
    """Fetch one node's days in as few report runs as Meta allows and put every day down exactly as Graph gave it.

    Days that this backfill has landed before are yielded without a call. What fails is named, day by day, and stops
    nothing else."""
    try:
        token = tokens.reveal_for(node_id)
    except MetaPipelineError as error:
        yield from (FailedDay(report, node_id, day, str(error)) for report in reports for day in days)
        return
    errand = Errand(node_id=node_id, run_id=run_id, backfill_id=backfill_id, purpose=purpose)
    fetcher = Fetcher(graph.on(errand), token, engine, backfill_id, sleep, now)
    started: list[Pull] = []
    todo: list[tuple[str, Range]] = []
    missing: set[tuple[str, dt.date]] = set()
    # Calls while blocked prolong the block (D-MRL), and a dead token stays dead: none is made after either.
    stopped: ThrottledError | TokenError | None = None
    for name in reports:
        landed = ledger.landed_for(engine, report=name, node_id=node_id, days=days, backfill_id=backfill_id)
        yield from landed.values()
        deferrals.forget(engine, backfill_id=backfill_id, node_id=node_id, report=name)
        left = set(days) - set(landed)
        missing |= {(name, day) for day in left}
        for pull in fetcher.picked_up(REPORTS[name], node_id):
            if left & set(pull.asked.days):
                started.append(pull)
                left -= set(pull.asked.days)
        todo.extend((name, asked) for asked in ranges(left))

    def failed(name: str, asked: Range, error: MetaPipelineError) -> Iterator[FailedDay]:
        """The days of a range that did not land; a limit of Meta is written down with when to try again."""
        if isinstance(error, ThrottledError):
            deferrals.defer(
                engine, backfill_id=backfill_id, node_id=node_id, report=name, since=asked.since, until=asked.until,
                retry_at=now() + dt.timedelta(seconds=error.retry_after), reason=str(error),
            )
        yield from (FailedDay(name, node_id, day, str(error)) for day in asked.days if (name, day) in missing)

    while todo or started:
        halves: list[tuple[str, Range]] = []
        for name, asked in todo:  # all report runs are in flight together
            outcome = stopped or _start(fetcher, name, node_id, asked)
            if isinstance(outcome, ThrottledError | TokenError):
                stopped = outcome
            if isinstance(outcome, Pull):
                started.append(outcome)
            elif isinstance(outcome, TooMuchDataError) and asked.since < asked.until:
                halves.extend((name, half) for half in asked.halves())
            else:
                yield from failed(name, asked, outcome)
        for pull, trouble in [(pull, stopped) for pull in started] if stopped else fetcher.finished(started):
            name = pull.report.name
            try:
                if stopped or trouble:
                    raise stopped or trouble or AssertionError
                for day, rows in fetcher.rows(pull).items():
                    if (name, day) not in missing:
                        continue
                    if isinstance(rows, LandingError):
                        yield FailedDay(name, node_id, day, str(rows))
                    else:
                        yield landing.write_day(
                            name, node_id, day, rows,
                            request=pull.request, run_id=run_id, backfill_id=backfill_id, now=now(),
                        )
            except TooMuchDataError as error:
                if pull.asked.since < pull.asked.until:
                    halves.extend((name, half) for half in pull.asked.halves())
                else:
                    yield from failed(name, pull.asked, error)
            except MetaPipelineError as error:
                stopped = error if isinstance(error, ThrottledError | TokenError) else stopped
                yield from failed(name, pull.asked, error)
        todo, started = halves, []


def _start(fetcher: Fetcher, name: str, node_id: str, asked: Range) -> Pull | MetaPipelineError:
    try:
        return fetcher.start(REPORTS[name], node_id, asked)
    except MetaPipelineError as error:
        return error


def land_entities(
    node_id: str,
    *,
    graph: GraphClient,
    tokens: Vault,
    landing: Landing,
    engine: sa.Engine,
    run_id: str,
    backfill_id: str,
    purpose: Purpose = "daily",
    now: Callable[[], dt.datetime],
) -> Iterator[LandedFile]:
    """List an account's campaigns, ad sets and ads, and read by id those that only insights know (deleted ones)."""
    token = tokens.reveal_for(node_id)
    known_by_insights = entities.mentioned(
        file.path for file in ledger.files_of(engine, report="ad_insights", node_id=node_id)
    )
    errand = Errand(node_id=node_id, report="entities", run_id=run_id, backfill_id=backfill_id, purpose=purpose)
    for name, found in entities.snapshot(node_id, known_by_insights, graph=graph.on(errand), token=token):
        yield landing.write_day(
            name, node_id, SNAPSHOT_DAY, found.records,
            request=found.request, run_id=run_id, backfill_id=backfill_id, now=now(),
        )


def version_warnings(engine: sa.Engine, *, now: dt.datetime) -> list[str]:
    """What Meta's own answers said against the pins in the last week: another version used, or its warning header."""
    told = audit_log.last_warnings(engine, since=now - dt.timedelta(days=7))
    return [f"{answered}: {warning}" if warning else answered for answered, warning in told]
