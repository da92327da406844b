"""The kinds of nodes that have reports, as data: where their reports land, and what people and Dagster call them."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeKind:
    """One kind of node. `name`: of its links, and of its dimension of Dagster's partitions; `source`: the folder of its
    reports in asset keys and the name of its raw schema; `noun` and `plural`: for people; `partitions`: the name of
    Dagster's dynamic partitions; `job`: the job that pulls it; `id_pattern`: the pattern of every id of the kind."""

    name: str
    source: str
    noun: str
    plural: str
    partitions: str
    job: str
    id_pattern: re.Pattern[str]
    example_id: str

    @property
    def raw_schema(self) -> str:
        """Return the schema of the raw tables of its reports."""
        return f"raw_{self.source}"


# Dagster accepts `|` and `,` in a partition key and fails on them later; ids have only digits.
_DIGITS = re.compile(r"[0-9]+")
AD_ACCOUNT = NodeKind(
    name="ad_account", source="meta_ads", noun="ad account", plural="ad accounts", partitions="ad_accounts",
    job="pull_ads", id_pattern=re.compile(r"act_[0-9]+"), example_id="act_1234567890",
)
PAGE = NodeKind(
    name="page", source="meta_pages", noun="Page", plural="Pages", partitions="pages", job="pull_pages",
    id_pattern=_DIGITS, example_id="1234567890",
)
INSTAGRAM_ACCOUNT = NodeKind(
    name="instagram_account", source="instagram", noun="Instagram account", plural="Instagram accounts",
    partitions="instagram_accounts", job="pull_instagram", id_pattern=_DIGITS, example_id="17841400000000000",
)
NODE_KINDS = (AD_ACCOUNT, PAGE, INSTAGRAM_ACCOUNT)
KINDS_BY_NAME = {kind.name: kind for kind in NODE_KINDS}
# Pages and Instagram accounts count in Pacific days, wherever they are (docs/graph-api.md §3.1).
PACIFIC = "America/Los_Angeles"
