"""Everything that follows from the settings alone: reports, versions, features, the intake, alert targets. Nothing here
opens the control store or needs a clock; `bootstrap.py` adds those."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from meta_pipeline.alerts.targets import Email, Log, Target, Webhook
from meta_pipeline.extract.ads.catalogue.report_file import Catalogue, load_catalogue
from meta_pipeline.extract.catalogue import all_reports
from meta_pipeline.extract.metrics.metric import Registry
from meta_pipeline.extract.registry.registry_file import load_registry
from meta_pipeline.extract.reports import Reports, default_names
from meta_pipeline.graph.features import checked as checked_features
from meta_pipeline.graph.versions import Calendar, calendar
from meta_pipeline.intake.file import load_intake
from meta_pipeline.intake.intake import Intake
from meta_pipeline.node_kinds import NodeKind
from meta_pipeline.posting.rules import PostingRules, load_rules
from meta_pipeline.publish.policy import PublishPolicy
from meta_pipeline.settings import Settings
from meta_pipeline.status.action_links import ActionLinks


@dataclass(frozen=True)
class Configuration:
    """The settings and the content of their files; a file is read on first use."""

    settings: Settings

    @functools.cached_property
    def catalogue(self) -> Catalogue:
        """Return every report of ad accounts, including those of the settings' file; ConfigError when the file can't be
        read."""
        return load_catalogue(self.settings.reports)

    @functools.cached_property
    def metrics(self) -> Registry:
        """Return every metric of Pages and Instagram, with the changes of the settings' file; ConfigError when the file
        can't be read."""
        return load_registry(self.settings.metrics)

    @functools.cached_property
    def reports(self) -> Reports:
        """Return every report: of ad accounts, Pages and Instagram accounts."""
        return all_reports(self.catalogue)

    @functools.cached_property
    def versions(self) -> Calendar:
        """Return Meta's calendar of versions: the built-in one, overridden by the settings' file."""
        return calendar(self.settings.versions)

    @functools.cached_property
    def posting_rules(self) -> PostingRules:
        """Return Meta's limits of publishing: the built-in ones, overridden by the settings' file."""
        return load_rules(self.settings.publishing_rules)

    def default_reports(self, kind: NodeKind) -> tuple[str, ...]:
        """Return the reports of a kind of node that are read when none is named."""
        return default_names(self.reports, kind)

    @property
    def features(self) -> frozenset[str]:
        """Return the features that are switched on; ConfigError for a feature that does not exist."""
        return checked_features(self.settings.switched_on)

    @property
    def app_secret(self) -> str | None:
        """Return the Meta app's secret, which also signs links, sessions and forms; None while it is not set."""
        secret = self.settings.app_secret
        return secret.get_secret_value() if secret else None

    @functools.cached_property
    def action_links(self) -> ActionLinks:
        """Return the base URLs of the links that issues and alerts carry."""
        settings = self.settings
        return ActionLinks(
            public_url=settings.public_url, business_url=settings.business_url, facebook_url=settings.dialog_url,
            invites=settings.is_exposed,
        )

    @property
    def alert_targets(self) -> list[Target]:
        """Return the targets of alerts, besides the Dagster UI."""
        targets: list[Target] = [Log()]
        if url := self.settings.alert_url:
            targets.append(Webhook(url.get_secret_value()))
        if url := self.settings.smtp_url:
            targets.append(Email(url.get_secret_value()))
        return targets

    @property
    def intake(self) -> Intake:
        """Return the intake from the current content of its file, an empty one without a file; ConfigError if it is not
        valid."""
        return load_intake(self.settings.tenants)

    @functools.cached_property
    def publish_policy(self) -> PublishPolicy:
        """Return the policy of publications: the tenants, and whether nodes are held back; ConfigError if the tenants'
        file is not valid."""
        return PublishPolicy(
            tenants=self.intake.tenants, holds_failed=self.settings.hold_failed_accounts,
            pins=self.settings.pins, landing=self.settings.landing_root,
        )
