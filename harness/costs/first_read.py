"""The first read of many accounts by our flows and by a plain script on the official SDK: on the sandbox, in this
process, on a virtual clock."""

from __future__ import annotations

import collections
import datetime as dt
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.virtual_clock import SandboxAdapter, VirtualClock
from meta_pipeline.entity_kinds import ADS
from meta_pipeline.extract import stored_listing
from meta_pipeline.flows.pulling import pulls
from meta_pipeline.flows.pulling.ads import listings
from meta_pipeline.flows.pulling.ads.listings import ListingPolicy
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.limits.budget import SharedBudget
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import AccessToken, LandedFile
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.protocol.responses import GraphResponse
from meta_pipeline.settings import Settings
from meta_pipeline.store.engine import open_store

REPORTS = ("ad_insights", "account_insights")
SERVERS: dict[str, dict[str, Any]] = {
    "report runs are done at once": {"report_run_seconds": 0.01},
    "report runs take 20 to 60 s": {"report_run_seconds": 40.0},
    "pages of at most 100 rows": {"report_run_seconds": 0.01, "rows_a_page": 100},
}
FIRST_DAY = dt.date(2026, 9, 20)
AT_ONCE = 8
SCRIPT_PAGE, SCRIPT_POLL_S = 500, 1.0
# Reads of our flows that the script does not make: the account's totals, the account, its campaigns, ad sets, ads,
# custom conversions, creatives; and each deleted ad once.
MORE_PER_ACCOUNT = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRead:
    """Calls by kind, the rows that landed, and the seconds that it took on the virtual clock. `deleted`: those of
    `others` that read a deleted ad."""

    submitted: int
    polls: int
    pages: int
    others: int
    rows: int
    seconds: float
    deleted: int = 0

    @property
    def calls(self) -> int:
        """All of them."""
        return self.submitted + self.polls + self.pages + self.others


def deleted_ads(context: PullContext, node_ids: Iterable[str]) -> int:
    """Count the deleted ads in the last listings of these accounts: each was read once, by its id."""
    return sum(
        ad.summary.is_deleted and ad.summary.source is None
        for node_id in node_ids if (listing := context.landed_listing(ADS.name, node_id))
        for ad in stored_listing.read_listing(listing.path).values()
    )


def sandbox(clock: VirtualClock, *, accounts: int, ads: int, limits: Mapping[str, Any]) -> tuple[Graph, list[str]]:
    """Return a fresh sandbox on this clock and the accounts to read: those that deliver."""
    graph = Graph(seed=1, now=None, accounts=accounts + 1, ads=ads)
    graph.clock = clock.now
    graph.world.options.configure({"is_daily": True})
    graph.limits.configure(dict(limits))
    delivering = [f"act_{account_id}" for account_id in graph.world.accounts if account_id != "1000000006"]
    return graph, delivering[:accounts]


def ours(*, accounts: int, ads: int, days: int, limits: Mapping[str, Any]) -> FirstRead:
    """Read everything with our flows."""
    clock = VirtualClock()
    graph, node_ids = sandbox(clock, accounts=accounts, ads=ads, limits=limits)
    wanted = [FIRST_DAY + dt.timedelta(days=n) for n in range(days)]
    left, rows = collections.deque(node_ids), [0]

    class Tokens:
        def reveal_for(self, node_id: str, *, flow: str, without: object = ()) -> AccessToken:
            return AccessToken(kind="system_user", value=graph.identity.system_user_token)

    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(f"sqlite:///{folder}/control.sqlite")
        budget = SharedBudget(engine, app_id="1", now=clock.now, sleep=clock.sleep, longest_wait_s=60.0)
        client = GraphClient(
            graph_url="http://sandbox", app_id="1", app_secret=None, graph_version="v24.0", marketing_version="v25.0",
            audit=lambda event: None, budget=budget, sleep=clock.sleep, now=clock.now,
            adapter=SandboxAdapter(graph, clock),
        )
        context = PullContext(
            graph=client,
            tokens=Tokens(),  # type: ignore[arg-type]
            landing=Landing(f"{folder}/landing", engine), engine=engine, run_id="first", backfill_id="first",
            sleep=clock.sleep, now=clock.now, largest_page=int(Settings.model_fields["largest_page"].default),
        )

        def work() -> None:
            while left:
                node_id = left.popleft()
                for done in pulls.land(node_id, wanted, REPORTS, context=context):
                    if not isinstance(done, LandedFile):
                        raise SystemExit(f"{done.report} of {done.node_id} did not land: {done.reason}")
                    rows[0] += done.rows
                listed = listings.land_entities(node_id, context=context, listing_policy=ListingPolicy())
                collections.deque(listed, maxlen=0)

        clock.run(*[work] * min(AT_ONCE, accounts))
        deleted = deleted_ads(context, node_ids)
        engine.dispose()
    return counted(graph, rows=rows[0], seconds=clock.seconds, deleted=deleted)


def script(*, accounts: int, ads: int, days: int, limits: Mapping[str, Any]) -> FirstRead:
    """Make the calls of the script in `sdk.py`."""
    clock = VirtualClock()
    graph, node_ids = sandbox(clock, accounts=accounts, ads=ads, limits=limits)
    headers = {"authorization": f"Bearer {graph.identity.system_user_token}"}

    def call(method: str, path: str, params: dict[str, str]) -> Any:
        clock.sleep(0.3)
        answer: GraphResponse = graph.answer(GraphRequest(
            method=method, path=path, version="v25.0", params=params, headers=headers, base_url="http://sandbox",
        ))
        if answer.status != 200:
            raise SystemExit(f"the script fails: {answer.body}")
        return answer.body

    def work() -> None:
        since, until = FIRST_DAY, FIRST_DAY + dt.timedelta(days=days - 1)
        request = {
            "level": "ad", "time_increment": "1", "time_range": f'{{"since":"{since}","until":"{until}"}}',
            "fields": "account_id,campaign_id,adset_id,ad_id,impressions,clicks,spend,actions,action_values",
        }
        runs = [call("POST", f"{node_id}/insights", request)["report_run_id"] for node_id in node_ids]
        while runs:
            for run_id in list(runs):
                status = call("GET", run_id, {"fields": "async_status,async_percent_completion"})
                if status["async_status"] != "Job Completed":
                    continue
                after: dict[str, str] = {}
                while True:
                    page = call("GET", f"{run_id}/insights", {"limit": str(SCRIPT_PAGE), **after})
                    paging = page.get("paging", {})
                    if "next" not in paging:
                        break
                    after = {"after": paging["cursors"]["after"]}
                runs.remove(run_id)
            clock.sleep(SCRIPT_POLL_S)

    clock.run(work)
    return counted(graph, rows=0, seconds=clock.seconds)


def counted(graph: Graph, *, rows: int, seconds: float, deleted: int = 0) -> FirstRead:
    """Return the calls that the sandbox charged, by kind."""
    counts: collections.Counter[str] = collections.Counter()
    names = {
        "POST /act_{id}/insights": "submitted", "GET /{id}": "polls", "GET /{id}/insights": "pages",
        "GET /act_{id}/insights": "pages",
    }
    for name, count in graph.calls.items():
        if name != "POST /":  # a batch is charged by its operations
            counts[names.get(name, "others")] += count
    return FirstRead(
        submitted=counts["submitted"], polls=counts["polls"] - deleted, pages=counts["pages"],
        others=counts["others"] + deleted, rows=rows, seconds=seconds, deleted=deleted,
    )
