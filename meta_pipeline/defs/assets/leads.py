"""The asset of leads: read from Meta and stored sealed. Nothing that Dagster shows is about a person."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
import pydantic

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.keys import OWNERS
from meta_pipeline.defs.assets.page_pulls import result_of
from meta_pipeline.flows.leads import reading

LEADS = dg.AssetKey(["landing", "meta_leads", "leads"])


class LeadsConfig(dg.Config):
    """The leads of a Page that webhooks have reported; without any, every Page is polled."""

    page_id: str = ""
    lead_ids: list[str] = pydantic.Field(default_factory=list)


@dg.asset(
    key=LEADS, group_name="landing", kinds={"meta", "parquet"}, owners=OWNERS, tags={"source": "meta_leads"},
    description="the leads of every Page, sealed: the people who submitted them and their answers can be decrypted "
    "only with the vault's keys; ids, times and ads are not encrypted",
)
def land_leads(
    context: dg.AssetExecutionContext, config: LeadsConfig, runtime: dg.ResourceParam[Runtime]
) -> dg.MaterializeResult[None]:
    """Read the leads that a webhook has reported, or every form since its newest lead."""
    if config.lead_ids:
        pulls = [reading.read_reported(runtime, config.page_id, config.lead_ids, run_id=context.run.run_id)]
    else:
        pulls = reading.pull_leads(runtime, run_id=context.run.run_id)
    return result_of(
        context, pulls, added=sum(pull.added for pull in pulls), changed=sum(pull.changed for pull in pulls)
    )


def leads_config(page_id: str, lead_ids: Sequence[str]) -> dict[str, Any]:
    """Return the run config that reads these leads of a Page and no others."""
    return {"ops": {land_leads.op.name: {"config": {"page_id": page_id, "lead_ids": list(lead_ids)}}}}
