"""Check a spec before anything is sent: against Meta's rules, the ad account, and the video file. No I/O."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal

from meta_pipeline.ads.facts import AdsFacts
from meta_pipeline.ads.spec import Spec
from meta_pipeline.files.video import VideoFacts
from meta_pipeline.money import decimals_of

_STORY = re.compile(r"[0-9]{1,30}_[0-9]{1,30}")
_COUNTRY = re.compile(r"[A-Z]{2}")
# Meta's words for an account that can't spend (docs/graph-api.md §9 · R).
_STATUSES = {2: "disabled", 3: "unsettled", 7: "in a risk review", 8: "pending settlement", 9: "in its grace period",
             100: "pending closure", 101: "closed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """An ad account as Meta describes it now: `minimum_budget` in minor units, None if Meta does not return it;
    `identities`: the Instagram accounts that its ads may appear as, None when they can't be read."""

    currency: str
    status: int | None
    minimum_budget: int | None
    identities: frozenset[str] | None
    tasks: frozenset[str]
    page_tasks: frozenset[str]
    instagram_of_page: str | None = None


def minor_units(amount: Decimal, currency: str) -> int:
    """Return an amount in the currency's minor unit, rounded down."""
    return int(amount.scaleb(decimals_of(currency)))


def problems_of(
    spec: Spec, *, facts: AdsFacts, account: AccountState | None, video: VideoFacts | None
) -> list[str]:
    """Return a sentence for everything that Meta would reject; empty when the plan can be applied."""
    return [
        *_of_choice(spec, facts), *_of_placement(spec, facts), *(_of_account(spec, facts, account) if account else ()),
        *(_of_video(video, facts) if video else ()),
    ]


def _of_choice(spec: Spec, facts: AdsFacts) -> Iterator[str]:
    sources = [spec.video, spec.object_story_id, spec.source_instagram_media_id]
    if sum(source is not None for source in sources) != 1:
        yield "creative needs exactly one of video, object_story_id and source_instagram_media_id"
    if spec.objective not in facts.objectives:
        yield f"campaign.objective must be one of {', '.join(facts.objectives)}"
    yield from _unknown("campaign.special_ad_categories", spec.special_ad_categories, facts.special_ad_categories)
    yield from _unknown("creative.features", spec.features, facts.creative_features)
    if spec.object_story_id and not _STORY.fullmatch(spec.object_story_id):
        yield "creative.object_story_id must be the id of a post, <page>_<post>"
    elif spec.object_story_id and spec.object_story_id.partition("_")[0] != spec.page:
        yield "creative.object_story_id is a post of another Page"
    if spec.video is not None and spec.is_ai_generated is None:
        yield "creative.is_ai_generated must say whether the video was made or changed with AI: true or false"
    if spec.call_to_action and not spec.link:
        yield "creative.call_to_action needs creative.link"
    if not spec.countries:
        yield "ad_set.countries must name at least one country"
    if wrong := [word for word in spec.countries if not _COUNTRY.fullmatch(word)]:
        yield f"ad_set.countries has {wrong[0][:20]!r}: a country has two letters, such as DE"
    if spec.age_min and spec.age_max and spec.age_min > spec.age_max:
        yield "ad_set.age_min is above ad_set.age_max"
    if spec.start_time and spec.end_time and spec.end_time <= spec.start_time:
        yield "ad_set.end_time is before ad_set.start_time"


def _of_placement(spec: Spec, facts: AdsFacts) -> Iterator[str]:
    yield from _unknown("ad_set.instagram_positions", spec.instagram_positions, facts.instagram_positions)
    yield from _unknown("ad_set.facebook_positions", spec.facebook_positions, facts.facebook_positions)
    if not {*spec.instagram_positions, *spec.facebook_positions} & set(facts.reels_positions):
        yield f"no placement shows Reels: at least one of {', '.join(facts.reels_positions)} is needed"


def _of_account(spec: Spec, facts: AdsFacts, account: AccountState) -> Iterator[str]:
    if account.status not in (None, 1):
        words = _STATUSES.get(account.status or 0, f"in the state {account.status}")
        yield f"the ad account is {words}: nothing can be created in it"
    for what, tasks in (("ad account", account.tasks), ("Page", account.page_tasks)):
        if tasks and not tasks & {"ADVERTISE", "MANAGE"}:
            yield f"the task ADVERTISE on the {what} is missing"
    identity = spec.instagram
    if spec.instagram_positions and identity is None:
        yield "instagram is missing: ads on Instagram appear as an Instagram account"
    elif identity and account.identities is not None and identity not in account.identities:
        yield (
            f"the Instagram account {identity} is not assigned to {spec.account} (1815199): assign it in the business "
            "settings, Instagram accounts → Connected assets"
        )
    least = account.minimum_budget or dict(facts.minimum_daily_budgets).get(account.currency)
    budget = minor_units(spec.daily_budget, account.currency)
    if Decimal(budget) != spec.daily_budget.scaleb(decimals_of(account.currency)):
        yield f"ad_set.daily_budget has more decimals than {account.currency} has"
    if least is not None and budget < least:
        smallest = Decimal(least).scaleb(-decimals_of(account.currency))
        yield f"ad_set.daily_budget is below Meta's minimum of {smallest} {account.currency}"


def _of_video(video: VideoFacts, facts: AdsFacts) -> Iterator[str]:
    if not facts.video_shortest_s <= video.duration_s <= facts.video_longest_s:
        yield (
            f"the video is {video.duration_s:.1f} s long: a Reel must have {facts.video_shortest_s:g} "
            f"to {facts.video_longest_s:g} s"
        )
    if not facts.video_lowest_ratio <= video.ratio <= facts.video_highest_ratio:
        yield f"the video has {video.width} x {video.height} pixels: a Reel must have the ratio 9:16"
    if video.width < facts.video_smallest_width:
        yield f"the video is {video.width} pixels wide: a Reel must have at least {facts.video_smallest_width}"
    if video.video_codec not in facts.video_codecs:
        yield f"the video's codec is {_letters(video.video_codec)}: Meta accepts {', '.join(facts.video_codecs)}"
    if video.audio_codec is not None and video.audio_codec not in facts.audio_codecs:
        yield f"the sound's codec is {_letters(video.audio_codec)}: Meta accepts {', '.join(facts.audio_codecs)}"
    if not facts.video_smallest_bytes <= video.size <= facts.video_largest_bytes:
        yield f"the video has {video.size:,} bytes: Meta accepts up to {facts.video_largest_bytes:,}"


def _unknown(key: str, words: Collection[str], listed: Collection[str]) -> Iterator[str]:
    for word in words:
        if word not in listed:
            yield f"{key} has {word[:50]!r}: Meta accepts {', '.join(listed)}"


def _letters(codec: str) -> str:
    return repr(codec) if not codec.isalnum() else codec
