"""Every report there is."""

from __future__ import annotations

from meta_pipeline.extract.ads.activities import ACCOUNT_ACTIVITIES
from meta_pipeline.extract.ads.catalogue.report_file import Catalogue
from meta_pipeline.extract.instagram.reports import INSTAGRAM_REPORTS
from meta_pipeline.extract.pages.reports import PAGE_REPORTS
from meta_pipeline.extract.reports import Reports
from meta_pipeline.records import ConfigError

# Those that are not requested of an insights edge of ads.
NODE_REPORTS = {ACCOUNT_ACTIVITIES.name: ACCOUNT_ACTIVITIES, **PAGE_REPORTS, **INSTAGRAM_REPORTS}


def all_reports(ads: Catalogue) -> Reports:
    """Return these reports of ad accounts with their activity log and every report of Pages and Instagram
    accounts. Raise ConfigError when an
    operator's report has the name of one of those."""
    if taken := sorted(ads.keys() & NODE_REPORTS.keys()):
        raise ConfigError(f"META_PIPELINE_REPORTS: report {taken[0]}: the name is taken: choose another")
    return {**ads, **NODE_REPORTS}
