"""The state of a running sandbox: its world, tokens, report runs, planned faults and changes, limits and clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from meta_pipeline.sandbox.ads.activities import ActivityLog
from meta_pipeline.sandbox.ads.creation.creation import Creation
from meta_pipeline.sandbox.ads.edges import AdsEdges
from meta_pipeline.sandbox.ads.entity_changes import EntityChanges
from meta_pipeline.sandbox.ads.insights.endpoint import InsightsEndpoint
from meta_pipeline.sandbox.ads.insights.report_runs import ReportRuns
from meta_pipeline.sandbox.ads.insights.rows import Insights
from meta_pipeline.sandbox.ads.promoted_pages import promoted_page
from meta_pipeline.sandbox.business.portfolios import BusinessEdges
from meta_pipeline.sandbox.business.shares import Shares
from meta_pipeline.sandbox.business.sharing import SharingEdges
from meta_pipeline.sandbox.business.system_users import SystemUsers
from meta_pipeline.sandbox.conversations.edges import ConversationEdges
from meta_pipeline.sandbox.identity.identity import Identity
from meta_pipeline.sandbox.instagram.edges import InstagramEdges
from meta_pipeline.sandbox.leads.edges import LeadEdges
from meta_pipeline.sandbox.pages.edges import PageEdges
from meta_pipeline.sandbox.protocol.faults import Faults
from meta_pipeline.sandbox.protocol.limits import Limits
from meta_pipeline.sandbox.publishing.publishing import Publishing
from meta_pipeline.sandbox.webhooks.control import Webhooks
from meta_pipeline.sandbox.webhooks.delivery import Deliveries
from meta_pipeline.sandbox.webhooks.subscriptions import Subscriptions
from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.world import ADS_PER_ACCOUNT, World


class SandboxState:
    """One world and everything that changes while it is served.

    `fixed_now` is the time that the sandbox shows, None for that of `clock`. `calls` counts requests by method and
    path, ids replaced.
    """

    def __init__(
        self, *, seed: int, now: dt.datetime | None, accounts: int = 6, ads: int = ADS_PER_ACCOUNT
    ) -> None:
        self.clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
        self.fixed_now = now
        self.calls: dict[str, int] = {}
        self.world = World(seed, accounts=accounts, ads=ads)
        self.access = NodeAccess()
        self.identity = Identity(seed)
        self.limits = Limits()
        self.faults = Faults()
        self.changes = EntityChanges(self.world)
        self.insights = Insights(self.world)
        self.report_runs = ReportRuns(self.insights, self.limits, clock=lambda: self.clock())
        self.creation = Creation(changes=self.changes, access=self.access, faults=self.faults)
        self.ads = AdsEdges(
            creation=self.creation, world=self.world, access=self.access, limits=self.limits,
            activities=ActivityLog(self.world, self.changes),
            insights=InsightsEndpoint(
                insights=self.insights, report_runs=self.report_runs, limits=self.limits, faults=self.faults
            ),
        )
        self.pages = PageEdges(world=self.world, access=self.access, page_token=self.identity.page_token)
        self.instagram = InstagramEdges(world=self.world, access=self.access)
        self.conversations = ConversationEdges(world=self.world, access=self.access)
        self.publishing = Publishing(
            pages=self.pages, instagram=self.instagram, access=self.access, faults=self.faults
        )
        self.shares = Shares(world=self.world, access=self.access)
        self.system_users = SystemUsers(access=self.access, mint=self.identity.mint)
        self.sharing = SharingEdges(self.world, self.access, self.shares)
        self.webhooks = Webhooks(
            subscriptions=Subscriptions(world=self.world, access=self.access),
            deliveries=Deliveries(secret=self.identity.secret),
        )
        self.leads = LeadEdges(
            world=self.world, access=self.access, promoted_page=promoted_page,
            queue_webhook=lambda page, value: self.webhooks.queue_for_page(page.id, "leadgen", value, self.now()),
        )
        self.businesses = BusinessEdges(
            self.world, self.access, self.shares, self.system_users, self.pages.node
        )

    def now(self) -> dt.datetime:
        """Return the server's time: the fixed one, or that of its clock."""
        return self.fixed_now or self.clock()
