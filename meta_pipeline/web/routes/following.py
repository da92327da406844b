"""Background work after a page of an invitation: the onboarding of a consent, and the check of partner shares."""

from __future__ import annotations

import logging

from meta_pipeline.flows.connections import consents
from meta_pipeline.flows.inviting import issuing, shares
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store.connections import onboardings
from meta_pipeline.store.people import invitations
from meta_pipeline.web.site import Site

_LOG = logging.getLogger("meta_pipeline.web")
WAITING = "The daily collection is set up as soon as the pipeline runs."


def follow(site: Site, onboarding_id: str, invitation_id: str) -> None:
    """Onboard a consent and verify the invitation that it answers. If the onboarding fails for good, the invitation
    stays open, with the reason."""
    runtime, engine = site.runtime, site.runtime.engine
    try:
        runtime.onboard(onboarding_id)
    except MetaPipelineError as error:
        if not error.retryable:
            issuing.move(
                engine, invitation_id, "opened", actor="the check of the access", now=runtime.now(), onboarding_id=None,
                assets={"failure": str(error)},
            )
        return
    onboarding = onboardings.get(engine, onboarding_id)
    invitations.update(engine, invitation_id, token_ref=onboarding.token_ref if onboarding else None)
    issuing.move(engine, invitation_id, "waiting_for_meta", actor="the check of the access", now=runtime.now())
    try:
        shares.verify(
            invitation_id, intake=runtime.intake, features=runtime.features, graph=runtime.graph, tokens=runtime.vault,
            engine=engine, now=runtime.now(),
        )
    except MetaPipelineError as error:  # the sensor verifies it again
        _LOG.warning("invitation %s could not be verified: %s", invitation_id, error)
    onboardings.add_result(engine, onboarding_id, samples=[])
    consents.requeue(engine, onboarding_id, WAITING)


def look(site: Site) -> None:
    """Check the partner shares that are due."""
    runtime = site.runtime
    try:
        _, problems = shares.check_shares(
            intake=runtime.intake, features=runtime.features, graph=runtime.graph, tokens=runtime.vault,
            engine=runtime.engine, now=runtime.now(),
        )
    except MetaPipelineError as error:
        problems = [str(error)]
    for problem in problems:
        _LOG.warning("a partner's share was not found yet: %s", problem)
