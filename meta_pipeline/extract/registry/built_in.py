"""The registry without an operator's file."""

from __future__ import annotations

from meta_pipeline.extract.instagram.metrics import INSTAGRAM_METRICS
from meta_pipeline.extract.metrics.metric import Registry
from meta_pipeline.extract.pages.metrics import PAGE_METRICS

METRICS = Registry((*PAGE_METRICS, *INSTAGRAM_METRICS))
