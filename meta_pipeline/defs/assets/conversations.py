"""The asset of conversations: read from Meta and stored sealed. Nothing that Dagster shows is about a person."""

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.keys import OWNERS
from meta_pipeline.defs.assets.page_pulls import result_of
from meta_pipeline.flows.conversations import reading

CONVERSATIONS = dg.AssetKey(["landing", "meta_conversations", "messages"])


@dg.asset(
    key=CONVERSATIONS, group_name="landing", kinds={"meta", "parquet"}, owners=OWNERS,
    tags={"source": "meta_conversations"},
    description="the messages of conversations of every Page, sealed: their authors and texts can be decrypted only "
    "with the vault's keys; ids, times and the side that wrote are not encrypted",
)
def land_conversations(
    context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]
) -> dg.MaterializeResult[None]:
    """Read the last 20 messages of every conversation that changed."""
    pulls = reading.pull_conversations(runtime, run_id=context.run.run_id)
    return result_of(
        context, pulls, conversations=sum(pull.conversations for pull in pulls),
        messages=sum(pull.messages for pull in pulls), unreadable=sum(pull.unreadable for pull in pulls),
    )
