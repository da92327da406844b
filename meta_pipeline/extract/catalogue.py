"""Every report there is."""

from __future__ import annotations

from meta_pipeline.extract.ads.catalogue.report_file import Catalogue
from meta_pipeline.extract.instagram.reports import INSTAGRAM_REPORTS
from meta_pipeline.extract.pages.reports import PAGE_REPORTS
from meta_pipeline.extract.reports import Reports

NODE_REPORTS = {**PAGE_REPORTS, **INSTAGRAM_REPORTS}


def all_reports(ads: Catalogue) -> Reports:
    """Return these reports of ad accounts with every report of Pages and Instagram accounts."""
    return {**ads, **NODE_REPORTS}
