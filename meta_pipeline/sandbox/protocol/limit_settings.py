"""The limits of the sandbox, as the control call `POST /_sandbox/limits` sets them (docs/graph-api.md §6.2, §2.8)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True)
class LimitSettings:
    """The limits of an access tier, by the names of the control call: calls per hour, except the score (points that
    decay over 300 s) and, per day, the calls for each person who engaged with a Page and for each impression of an
    Instagram account. The defaults are those that Meta publishes for standard access (§6.2)."""

    tier: str = "standard_access"
    platform: float = 20_000.0
    insights: float = 190_000.0
    management: float = 100_000.0
    per_active_ad: float = 400.0
    score: float = 9_000.0
    score_block_s: float = 60.0
    per_engaged_user: float = 4_800.0
    engaged_users: float = 1_000.0  # of every Page
    per_impression: float = 4_800.0
    impressions: float = 10_000.0  # of every Instagram account
    day_block_s: float = 3_600.0  # of a Page's or an Instagram account's calls
    running_report_runs: int = 100
    # Data per call (§2.8): Meta publishes no bounds. 0 means no bound.
    rows_a_request: int = 1_000_000
    page_bytes: int = 4_000_000
    rows_a_page: int = 0  # a larger page of insights is refused
    report_run_seconds: float = 0.0  # average duration of a report run; 0: four polls, or a second at most
    data_points_a_request: int = 0  # rows × fields of the whole result
    heavy_creatives_a_page: int = 0  # creatives with their story spec (§9)

    @classmethod
    def of_tier(cls, tier: str) -> LimitSettings:
        """Return the limits that Meta publishes for a tier (§6.2)."""
        if tier == "development_access":
            return cls(
                tier=tier, platform=200.0, insights=600.0, management=300.0, per_active_ad=400.0, score=60.0,
                score_block_s=300.0,
            )
        return cls(tier=tier)
