"""The reports of Pages and Instagram accounts in one place, by name."""

from __future__ import annotations

from meta_pipeline.extract.instagram.reports import INSTAGRAM_REPORTS
from meta_pipeline.extract.pages.reports import PAGE_REPORTS
from meta_pipeline.extract.reports import NodeReport

NODE_REPORTS: dict[str, NodeReport] = {**PAGE_REPORTS, **INSTAGRAM_REPORTS}
