"""Make the plan of a post: check the spec against the limits, read the quota that is left, and build every step."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from meta_pipeline.files.video import VideoError, VideoFacts, read_video
from meta_pipeline.flows.posting.performers.files import digest_of
from meta_pipeline.flows.posting.quotas import Quota, instagram_quota, reels_quota
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.request import CallContext
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT, PAGE
from meta_pipeline.plans import stored
from meta_pipeline.plans.plan import Plan, new_plan, plan_id_of
from meta_pipeline.plans.step import Step
from meta_pipeline.posting.checks import PUBLISHES, problems
from meta_pipeline.posting.instagram_steps import instagram_steps
from meta_pipeline.posting.page_steps import page_steps
from meta_pipeline.posting.rules import PostingRules
from meta_pipeline.posting.spec import PostSpec, SpecError
from meta_pipeline.records import AccessToken, ConfigError, NodeLink
from meta_pipeline.store.connections import access
from meta_pipeline.store.connections.node_links import find_link
from meta_pipeline.store.plans import plans
from meta_pipeline.vault.vault import Vault

PLAN_KIND = "post"
_MOST_TOKENS = 5


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """The dependencies of publishing."""

    graph: GraphClient
    tokens: Vault
    engine: sa.Engine
    rules: PostingRules
    now: dt.datetime

    def link(self, node_id: str) -> NodeLink:
        """Return the link of a Page or an Instagram account; raise ConfigError for an id that is not linked as one."""
        link = find_link(self.engine, node_id)
        if link is None or link.kind not in PUBLISHES:
            raise ConfigError(f"{node_id} is not a connected Page or Instagram account: see `meta-pipeline links`")
        return link

    def token(self, link: NodeLink) -> tuple[AccessToken, NodeLink]:
        """Return a token for publishing at a node, and the link with this token's tasks: the first token that has the
        permissions and the task, or the first of all. Raise VaultError for a paused node, and without a token."""
        need, tried = PUBLISHES[link.kind].value, list[str]()
        tasks = {reader.token_ref: reader.tasks for reader in access.readers(self.engine, link.id)}
        best: tuple[AccessToken, NodeLink] | None = None
        for _ in range(min(len(tasks), _MOST_TOKENS)):
            token = self.tokens.reveal_for(link.id, flow="publishing", without=tried)
            tried.append(token.ref or "")
            through = dataclasses.replace(link, tasks=tasks.get(token.ref or "", link.tasks))
            best = best or (token, through)
            has_scopes = token.scopes is None or set(need.scopes) <= token.scopes
            if has_scopes and (not through.tasks or {"CREATE_CONTENT", "MANAGE"} & set(through.tasks)):
                return token, through
        return best or (self.tokens.reveal_for(link.id, flow="publishing"), link)

    def quota(self, link: NodeLink, token: AccessToken, *, kind: str) -> Quota | None:
        """Return the quota that a post of this kind counts against; None if there is none."""
        if link.kind == INSTAGRAM_ACCOUNT.name:
            graph = self.graph.on(CallContext(node_id=link.id))
            return instagram_quota(link.id, graph=graph, token=token, rules=self.rules, now=self.now)
        if kind == "reel":
            made = stored.load_all(self.engine, kinds=[PLAN_KIND], node_id=link.id)
            return reels_quota(made, rules=self.rules, now=self.now)
        return None


def plan_post(spec: PostSpec, *, publisher: Publisher) -> Plan:
    """Store and return the plan of a post; nothing is sent. Raise SpecError with every problem."""
    link = publisher.link(spec.node_id)
    publisher.graph.require(PUBLISHES[link.kind])
    token, through = publisher.token(link)
    sentences = problems(
        spec, through, rules=publisher.rules, scopes=token.scopes, now=publisher.now, videos=_videos(spec)
    )
    if sentences:
        raise SpecError(f"{'; '.join(sentences)}; nothing was sent")
    quota = publisher.quota(link, token, kind=spec.kind)
    if quota is not None and quota.free_at is not None and spec.publish_at is None:
        raise SpecError(f"{link.name}: {quota.sentence}; nothing was sent")
    is_page = link.kind == PAGE.name
    steps = (
        page_steps(spec, rules=publisher.rules, now=publisher.now) if is_page
        else instagram_steps(spec, rules=publisher.rules)
    )
    details: dict[str, Any] = {
        "node_kind": link.kind, "post_kind": spec.kind, "quota": quota.sentence if quota else None,
    }
    if spec.publish_at is not None:
        # Graph schedules posts of Pages itself. Posts on Instagram are published by this installation when due.
        details |= {"publish_at": spec.publish_at.isoformat(), "is_scheduled_here": not is_page}
    earlier = len(plans.find_ids(publisher.engine, kinds=[PLAN_KIND]))
    plan = new_plan(
        id=plan_id_of(spec.to_json(), salt=f"{publisher.now.isoformat()} {earlier}"), kind=PLAN_KIND,
        title=f"{spec.kind} on {link.name[:100]}", node_id=link.id, token_ref=token.ref or "", spec=spec.to_json(),
        steps=tuple(map(_with_digest, steps)), now=publisher.now, details=details,
    )
    stored.keep(publisher.engine, plan)
    return plan


def same_spec(plan: Plan, engine: sa.Engine) -> list[Plan]:
    """Return other plans of the same spec that were applied and not undone: this plan may be a duplicate of one."""
    return [
        other for other in stored.load_all(engine, kinds=[PLAN_KIND], node_id=plan.node_id)
        if other.id != plan.id and other.spec_digest == plan.spec_digest and other.status in ("applying", "applied")
    ]


def _videos(spec: PostSpec) -> dict[Path, VideoFacts | str]:
    """Return the format of each video file of a spec, or why it can't be read."""
    videos: dict[Path, VideoFacts | str] = {}
    for item in spec.media:
        if item.type == "video" and item.path is not None and item.path.is_file():
            try:
                videos[item.path] = read_video(item.path)
            except VideoError as error:
                videos[item.path] = str(error)
    return videos


def _with_digest(step: Step) -> Step:
    """Return a step with the digest of its file, if it has one."""
    if (path := step.local.get("path")) is None:
        return step
    return dataclasses.replace(step, local={**step.local, "digest": digest_of(Path(str(path)))})
