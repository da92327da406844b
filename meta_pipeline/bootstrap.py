"""Construct the runtime of a process from its settings: the only place that creates clients and reads the real clock.

An entrypoint (a command of `cli/`, `definitions.py`, a worker process of `defs/runs/`) gets the process's `Runtime`
once and passes it on. No other module calls a function of this one: a test passes a runtime with its own clock.
"""

from __future__ import annotations

import datetime as dt
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from meta_pipeline.alerts.due import Alert
from meta_pipeline.configuration import Configuration
from meta_pipeline.erasure import retention
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.extract.snapshots.snapshot_ages import parse_ages
from meta_pipeline.files import permissions, reading
from meta_pipeline.flows import failed_checks
from meta_pipeline.flows.compaction import Compaction, compact_landing
from meta_pipeline.flows.connections import consents, instagram_identities
from meta_pipeline.flows.connections import tokens as token_flows
from meta_pipeline.flows.conversations.counting import message_rows
from meta_pipeline.flows.leads.counting import lead_rows
from meta_pipeline.flows.posting.planning import Publisher
from meta_pipeline.flows.pulling.ads.listings import ListingPolicy
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.http.download import Downloads
from meta_pipeline.graph.limits.budget import SharedBudget
from meta_pipeline.graph.request import Purpose
from meta_pipeline.graph.samples import Samples
from meta_pipeline.intake.tenants import Node
from meta_pipeline.landing.landing import Landing
from meta_pipeline.linker import choosing
from meta_pipeline.linker.choosing import Selection
from meta_pipeline.node_kinds import AD_ACCOUNT, NodeKind
from meta_pipeline.records import AccessToken, ConfigError, NodeLink
from meta_pipeline.sealed.store import CONVERSATIONS, LEADS, SealedStore
from meta_pipeline.settings import Settings
from meta_pipeline.status import forecast, overview
from meta_pipeline.status.check_failures import check_failures
from meta_pipeline.status.forecast import NodeForecast, OrganicPolicy
from meta_pipeline.status.overview import Connection
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.engine import check_store_is_there, open_store
from meta_pipeline.store.gateway.audit_log import AuditLog
from meta_pipeline.vault.vault import Vault
from meta_pipeline.warehouse.copied.exchange_rates import RateSettings
from meta_pipeline.warehouse.warehouse import Warehouse


def system_now() -> dt.datetime:
    """Return the time of the machine's clock, aware UTC."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Runtime(Configuration):
    """Everything that one process needs, created on first use: one engine, one vault, one gateway, one clock.

    `now` returns aware UTC; `sleep` takes seconds.
    """

    now: Callable[[], dt.datetime] = field(default=system_now, kw_only=True)
    sleep: Callable[[float], None] = field(default=time.sleep, kw_only=True)

    @functools.cached_property
    def engine(self) -> sa.Engine:
        permissions.make_private(self.settings.root)
        data = (self.settings.landing_root, str(self.settings.warehouse_file))
        check_store_is_there(self.settings.store, holding_data=list(filter(reading.holds_data, data)))
        return open_store(self.settings.store)

    @functools.cached_property
    def vault(self) -> Vault:
        return Vault(self.engine, self.settings.require("vault_keys"), now=self.now)

    @functools.cached_property
    def sealed_stores(self) -> Mapping[str, SealedStore]:
        """Return the stores of leads and messages, by name; ConfigError without a key of the vault."""
        settings = self.settings
        days = {LEADS: settings.leads_days, CONVERSATIONS: settings.conversations_days}
        return {
            name: SealedStore(
                name, settings.root / name, vault_keys=settings.require("vault_keys"), engine=self.engine,
                digest=lambda text: self.vault.signing_key().digest(text), content_days=content_days, now=self.now,
                sleep=self.sleep,
            ) for name, content_days in days.items()
        }

    @functools.cached_property
    def graph(self) -> GraphClient:
        return GraphClient(
            graph_url=self.settings.graph_url,
            upload_url=self.settings.upload_url,
            app_id=self.settings.app_id,
            app_secret=self.app_secret,
            graph_version=self.settings.graph_version,
            marketing_version=self.settings.marketing_version,
            audit=AuditLog(self.engine).write,
            budget=self.budget,
            samples=Samples(self.settings.root / "samples", most=self.settings.samples),
            features=self.features,
        )

    @functools.cached_property
    def budget(self) -> SharedBudget:
        return SharedBudget(
            self.engine, app_id=self.settings.app_id, now=self.now, sleep=self.sleep,
            longest_wait_s=self.settings.longest_wait_s,
        )

    @functools.cached_property
    def landing(self) -> Landing:
        return Landing(self.settings.landing_root, self.engine)

    @functools.cached_property
    def listing_policy(self) -> ListingPolicy:
        """Return how listings of entities are read."""
        downloads = Downloads(self.settings.graph_url) if self.settings.thumbnails else None
        return ListingPolicy(dt.timedelta(days=self.settings.sweep_days), downloads)

    @functools.cached_property
    def warehouse(self) -> Warehouse:
        rates = RateSettings(self.settings.exchange_rates, self.settings.reporting_currency)
        return Warehouse(
            self.settings.warehouse_file, insights_tables(self.catalogue.values()), rates=rates,
            read_leads=lambda: lead_rows(self), read_messages=lambda: message_rows(self),
        )

    @property
    def chosen_by_default(self) -> frozenset[str] | None:
        """Return the nodes that are read every day by default: those of the intake's tenants; without tenants None, for
        every node that is reached."""
        if not (tenants := self.intake.tenants):
            return None
        nodes = [Node(link.kind, link.id, link.owner) for link in list_links(self.engine)]
        return frozenset(node.id for node in nodes if any(tenant.has(node) for tenant in tenants))

    def selection(self) -> Selection:
        """Return the selection of the nodes that are read every day."""
        return choosing.selection(
            self.engine, chosen_by_default=self.chosen_by_default,
            grace=dt.timedelta(days=self.settings.lost_grace_days),
        )

    def links_to_read(self, *, kind: NodeKind | None = None, now: dt.datetime | None = None) -> list[NodeLink]:
        """Return the links of the nodes that are read every day, or those of a kind."""
        return self.selection().read(list_links(self.engine, kind=kind), now=now or self.now())

    def first_kept_days(self, links: Sequence[NodeLink], *, now: dt.datetime) -> Mapping[str, dt.date]:
        """Return the first day that does not expire, for each of these nodes whose tenant has a ceiling."""
        return retention.first_kept_days(self.intake.tenants, links, now=now)

    def connections(self, *, with_disconnected: bool = False) -> list[Connection]:
        """Return every token with its nodes, its issues and the links that resolve them; VaultError without a key."""
        try:
            selection = self.selection()
        except ConfigError:  # the intake is not valid, which `doctor` reports: connections are still shown
            selection = None
        return overview.connections(
            engine=self.engine, tokens=self.vault, action_links=self.action_links, features=self.features,
            now=self.now(), with_disconnected=with_disconnected, selection=selection,
        )

    def forecast(
        self, node_id: str, days: Sequence[dt.date], reports: Sequence[str], *, backfill_id: str | None,
        has_entities: bool,
    ) -> NodeForecast:
        """Return how many calls and rows, and how much time, these days of a node are expected to take."""
        return forecast.of_node(
            node_id, days, reports, reports=self.reports, engine=self.engine,
            organic=OrganicPolicy(self.metrics, self.settings.graph_version, parse_ages(self.settings.snapshot_ages)),
            app_id=self.settings.app_id, backfill_id=backfill_id, has_entities=has_entities,
            largest_page=self.settings.largest_page, now=self.now(), sweep_days=self.settings.sweep_days,
        )

    def pull_context(
        self, *, run_id: str, backfill_id: str, purpose: Purpose, sleep: Callable[[float], None] | None = None
    ) -> PullContext:
        """Return the context of a pull. `sleep` replaces the runtime's own, for a pull that can be interrupted."""
        return PullContext(
            graph=self.graph, tokens=self.vault, landing=self.landing, engine=self.engine, run_id=run_id,
            backfill_id=backfill_id, sleep=sleep or self.sleep, now=self.now, purpose=purpose,
            largest_page=self.settings.largest_page, catalogue=self.catalogue, metrics=self.metrics,
            snapshot_ages=parse_ages(self.settings.snapshot_ages),
        )

    def onboard(self, onboarding_id: str, *, run_id: str | None = None) -> list[NodeLink]:
        """Turn the sealed token of an onboarding into links, and return every link; see
        `flows.connections.consents`."""
        return consents.onboard(
            onboarding_id, graph=self.graph, tokens=self.vault, engine=self.engine, features=self.features,
            now=self.now, sleep=self.sleep, run_id=run_id,
        )

    def first_look(self, onboarding_id: str) -> list[dict[str, Any]]:
        """Read yesterday of one ad account and one Page, as a new connection sees them."""
        return consents.first_look(
            onboarding_id, self.links_to_read(), graph=self.graph, tokens=self.vault, engine=self.engine,
            now=self.now(),
        )

    def publisher(self) -> Publisher:
        """Return the publisher, which plans and publishes posts, at the current time."""
        return Publisher(
            graph=self.graph, tokens=self.vault, engine=self.engine, rules=self.posting_rules, now=self.now()
        )

    def page_token_of(self, node_id: str) -> AccessToken | None:
        """Return the Page's token, for a share of the Page; None for an ad account."""
        return None if node_id.startswith("act_") else self.vault.reveal_for(node_id, flow="partners")

    def read_identities(self) -> list[str]:
        """Record the Instagram accounts of ad accounts that are read every day; return a sentence for each failure."""
        return instagram_identities.read_identities(
            self.links_to_read(kind=AD_ACCOUNT), graph=self.graph, tokens=self.vault, engine=self.engine,
            now=self.now(),
        )

    def check_tokens(self) -> list[str]:
        """Inspect and renew every token; return a sentence for each that could not be checked."""
        return token_flows.check_tokens(graph=self.graph, tokens=self.vault, now=self.now())

    def compact(self) -> Compaction:
        """Compact the months that are older than the hot zone, and remove orphans."""
        return compact_landing(self.landing, hot_days=self.settings.hot_days, now=self.now, sleep=self.sleep)

    def send_alerts(self) -> tuple[list[Alert], list[str]]:
        """Send every target the alerts that it has not received; return what was sent, and a sentence for each target
        that failed."""
        return token_flows.send_alerts(
            self.alert_targets, engine=self.engine, tokens=self.vault, action_links=self.action_links,
            signing_key=self.app_secret, now=self.now(),
        )

    def send_check_alerts(self) -> tuple[list[Alert], list[str]]:
        """Send every target the alerts about failing checks of the published file that it has not received; needs no
        token."""
        return failed_checks.send_check_alerts(
            self.alert_targets, check_failures(self.settings.published_file), engine=self.engine,
            url=self.settings.public_url, now=self.now(),
        )


@functools.lru_cache(maxsize=1)
def runtime_of(settings: Settings) -> Runtime:
    """Return the runtime of this process for these settings: the same one, with the same engine, at every call."""
    return Runtime(settings)


def process_runtime() -> Runtime:
    """Return the runtime of this process, from the environment."""
    return runtime_of(Settings())
