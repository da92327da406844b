"""The catalogue of all reports."""

from __future__ import annotations

from meta_pipeline.extract.ads.activities import ACCOUNT_ACTIVITIES
from meta_pipeline.extract.ads.catalogue.report_file import Catalogue
from meta_pipeline.extract.instagram.reports import INSTAGRAM_REPORTS
from meta_pipeline.extract.pages.reports import PAGE_REPORTS
from meta_pipeline.extract.reports import Reports
from meta_pipeline.records import ConfigError

# The reports that are not Ads Insights.
NODE_REPORTS = {ACCOUNT_ACTIVITIES.name: ACCOUNT_ACTIVITIES, **PAGE_REPORTS, **INSTAGRAM_REPORTS}


def all_reports(ads: Catalogue) -> Reports:
    """Return `ads`, the activity log of ad accounts, and every report of Pages and Instagram accounts. Raise
    ConfigError when a report of `ads` has the name of one of the others."""
    if taken := sorted(ads.keys() & NODE_REPORTS.keys()):
        raise ConfigError(f"META_PIPELINE_REPORTS: report {taken[0]}: the name is taken: choose another")
    return {**ads, **NODE_REPORTS}
