"""The pages of ads: every plan, and one plan with its calls and Meta's previews of it."""

from __future__ import annotations

import json

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from meta_pipeline.ads.building import KIND
from meta_pipeline.ads.facts import read_facts
from meta_pipeline.ads.previews import HOSTS, frame_address
from meta_pipeline.flows.ads import running
from meta_pipeline.plans import stored
from meta_pipeline.plans.plan import Plan, existing_in_words
from meta_pipeline.records import ConfigError, MetaPipelineError
from meta_pipeline.web.access.security import HEADERS
from meta_pipeline.web.site import Site

PAGE = "/ads"
_POLICY = "content-security-policy"
# Allows frames of Meta's previews, on the only page that has them.
_WITH_FRAMES = f"{HEADERS[_POLICY]}; frame-src {' '.join(f'https://{host}' for host in HOSTS)}"


def listed(site: Site, request: Request) -> Response:
    """Show every plan (`GET /ads`). It reads the control store only."""
    plans = stored.load_all(site.runtime.engine, kinds=(KIND,))
    return site.page(request, "ads.html", plans=[(plan, existing_in_words(plan)) for plan in plans])


def plan(site: Site, request: Request) -> Response:
    """Show a plan, its calls and Meta's previews (`GET /ads/{id}`), which are read from Meta now."""
    try:
        plan = stored.load(site.runtime.engine, request.path_params["id"], kinds=(KIND,))
    except ConfigError:
        raise HTTPException(404, "There is no such plan.") from None
    frames, problem = _previews(site, plan)
    bodies = {
        record.step.name: json.dumps(record.step.body, ensure_ascii=False, indent=1, sort_keys=True)
        for record in plan.steps
    }
    response = site.page(request, "ad.html", plan=plan, frames=frames, problem=problem, bodies=bodies)
    response.headers[_POLICY] = _WITH_FRAMES
    return response


def _previews(site: Site, plan: Plan) -> tuple[list[tuple[str, str]], str | None]:
    """Return the address of the frame of each format, or a sentence that says why there is none."""
    runtime = site.runtime
    try:
        formats = read_facts(runtime.settings.ads_facts).preview_formats
        codes = running.previews_of(plan, formats, graph=runtime.graph, tokens=runtime.vault)
    except MetaPipelineError as error:
        return [], str(error)
    frames = [(name, address) for name, code in codes if (address := frame_address(code)) is not None]
    return frames, "Meta returned no preview that can be shown" if codes and not frames else None
