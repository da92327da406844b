"""The steps of a Reels ad: every call with its body, in the order in which they are sent. No I/O.

The facts about the calls: docs/graph-api.md §10, §1.3."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from meta_pipeline import money
from meta_pipeline.ads.checks import minor_units
from meta_pipeline.ads.facts import AdsFacts
from meta_pipeline.ads.spec import Spec
from meta_pipeline.files.video import VideoFacts
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.plans.plan import tag_of
from meta_pipeline.plans.step import ReadBack, Step, Wait, ref

KIND = "reel_ad"
UPLOAD = "ad_video"
_DRY_RUN = {"execution_options": ["validate_only"]}


def steps_of(
    spec: Spec, *, plan_id: str, currency: str, facts: AdsFacts, video: VideoFacts | None, marketing_version: str
) -> list[Step]:
    """Return the steps that create the objects of a spec, all of them paused."""
    names = _Names(spec, plan_id)
    first = [] if video is None else [_video_step(spec, names, facts, video)]
    return [
        *first, _campaign_step(spec, names), _creative_step(spec, names, facts),
        _ad_set_step(spec, names, currency=currency, facts=facts, marketing_version=marketing_version),
        _ad_step(spec, names),
    ]


class _Names:
    """The names of a plan's objects at Meta: the spec's name and the plan's tag."""

    def __init__(self, spec: Spec, plan_id: str) -> None:
        self._name, self.tag = spec.name, tag_of(plan_id)

    def of(self, thing: str) -> str:
        """Return the name of one object."""
        return f"{self._name} · {thing} · {self.tag}"


def _step(
    name: str, *, edge: str, spec: Spec, names: _Names, body: dict[str, Any], creates: str, costs: str = "nothing",
    is_filtered: bool = True,
) -> Step:
    tagged = names.of(creates.removeprefix("the "))
    filtering = [{"field": "name", "operator": "CONTAIN", "value": names.tag}]
    return Step(
        name=name, write=WriteKind.AD_CREATION, path=f"{spec.account}/{edge}", creates=creates, object_kind=name,
        reads=CallKind.AD_OBJECTS, body={"name": tagged, **body}, costs=costs, undo=WriteKind.AD_REMOVAL,
        read_back=ReadBack(
            path=f"{spec.account}/{edge}", equals={"name": tagged}, fields=("id", "name", "status"),
            params={"filtering": filtering} if is_filtered else {},
        ),
        dry_run=_DRY_RUN,
    )


def _video_step(spec: Spec, names: _Names, facts: AdsFacts, video: VideoFacts) -> Step:
    title = names.of("video")
    return Step(
        name="video", write=WriteKind.AD_CREATION, path=f"{spec.account}/advideos", creates="the video",
        object_kind="video", reads=CallKind.AD_OBJECTS, performer=UPLOAD, undo=WriteKind.AD_REMOVAL,
        body={"title": title, "is_ai_generated": bool(spec.is_ai_generated)},
        local={"file": str(spec.video), "size": video.size, "digest": video.digest},
        read_back=ReadBack(path=f"{spec.account}/advideos", equals={"title": title}, fields=("id", "title")),
        wait=Wait(
            status="status.video_status", done=("ready",), failed=("error",), outputs={"picture": "picture"},
            every_s=facts.processing_every_s, longest_s=facts.processing_longest_s,
        ),
    )


def _campaign_step(spec: Spec, names: _Names) -> Step:
    return _step("campaign", edge="campaigns", spec=spec, names=names, creates="the campaign", body={
        "objective": spec.objective, "status": "PAUSED", "special_ad_categories": list(spec.special_ad_categories),
        "is_adset_budget_sharing_enabled": False, "buying_type": "AUCTION",
    })


def _ad_set_step(spec: Spec, names: _Names, *, currency: str, facts: AdsFacts, marketing_version: str) -> Step:
    body: dict[str, Any] = {
        "campaign_id": ref("campaign"), "daily_budget": minor_units(spec.daily_budget, currency), "status": "PAUSED",
        "billing_event": spec.billing_event, "optimization_goal": spec.optimization_goal,
        "bid_strategy": spec.bid_strategy, "targeting": _targeting(spec, facts, marketing_version),
    }
    for name in ("start_time", "end_time"):
        if (moment := getattr(spec, name)) is not None:
            body[name] = moment.isoformat()
    if spec.objective in ("OUTCOME_ENGAGEMENT", "OUTCOME_LEADS"):
        body["promoted_object"] = {"page_id": spec.page}
    most = spec.daily_budget * (1 + Decimal(str(facts.daily_overspend)))
    costs = (
        f"nothing while paused; once activated {spec.daily_budget} {currency} a day on average, at most "
        f"{money.amount(most, currency)} {currency} on one day"
    )
    return _step("ad_set", edge="adsets", spec=spec, names=names, creates="the ad set", body=body, costs=costs)


def _targeting(spec: Spec, facts: AdsFacts, marketing_version: str) -> dict[str, Any]:
    """Return the targeting, which includes the placements (docs/graph-api.md §10)."""
    automation: dict[str, Any] = {"advantage_audience": int(spec.advantage_audience)}
    if int(marketing_version.removeprefix("v").partition(".")[0]) >= facts.device_setting_since:
        automation["individual_setting"] = {facts.device_setting: 0}
    targeting: dict[str, Any] = {
        "geo_locations": {"countries": list(spec.countries)}, "publisher_platforms": [],
        "device_platforms": ["mobile"], "targeting_automation": automation,
    }
    for platform, positions in (("instagram", spec.instagram_positions), ("facebook", spec.facebook_positions)):
        if positions:
            targeting["publisher_platforms"].append(platform)
            targeting[f"{platform}_positions"] = list(positions)
    for name in ("age_min", "age_max"):
        if (age := getattr(spec, name)) is not None:
            targeting[name] = age
    return targeting


def _creative_step(spec: Spec, names: _Names, facts: AdsFacts) -> Step:
    features = {
        name: {"enroll_status": "OPT_IN" if spec.features.get(name) else "OPT_OUT"} for name in facts.creative_features
    }
    body: dict[str, Any] = {"degrees_of_freedom_spec": {"creative_features_spec": features}}
    action = {"type": spec.call_to_action, "value": {"link": spec.link}} if spec.call_to_action else None
    if spec.video is not None:
        texts = {"title": spec.title, "message": spec.message, "call_to_action": action}
        story: dict[str, Any] = {
            "page_id": spec.page,
            "video_data": {
                "video_id": ref("video"), "image_url": spec.thumbnail_url or ref("video", "picture"),
                **{name: value for name, value in texts.items() if value is not None},
            },
        }
        body["object_story_spec"] = story | ({"instagram_user_id": spec.instagram} if spec.instagram else {})
    else:
        if spec.source_instagram_media_id is not None:
            body |= {"object_id": spec.page, "source_instagram_media_id": spec.source_instagram_media_id}
        else:
            body |= {"object_story_id": spec.object_story_id}
        body |= {"instagram_user_id": spec.instagram} if spec.instagram else {}
        body |= {"call_to_action": action} if action else {}
    return _step(
        "creative", edge="adcreatives", spec=spec, names=names, creates="the creative", body=body, is_filtered=False
    )


def _ad_step(spec: Spec, names: _Names) -> Step:
    return _step("ad", edge="ads", spec=spec, names=names, creates="the ad", body={
        "adset_id": ref("ad_set"), "creative": {"creative_id": ref("creative")}, "status": "PAUSED",
    })
