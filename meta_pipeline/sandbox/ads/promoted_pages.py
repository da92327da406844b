"""The Page that an account's ads promote, in their creatives and their ad sets (docs/graph-api.md §9)."""

from __future__ import annotations

from meta_pipeline.sandbox.world.cast import CLIENT_BUSINESSES, PAGES
from meta_pipeline.sandbox.world.entities import Account, Page


def promoted_page(account: Account) -> Page:
    """Return the Page: the first client's own for its accounts, ours for all others."""
    return PAGES[1] if account.business == CLIENT_BUSINESSES[0] else PAGES[0]
