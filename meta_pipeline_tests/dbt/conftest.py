"""A real browser for dbt's documentation."""

from __future__ import annotations

from meta_pipeline_tests.browser.conftest import page as page
