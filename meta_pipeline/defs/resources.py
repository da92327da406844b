"""The resources of a code location: its runtime, and the gateway and the vault of that runtime.

Every landing asset fetches through `graph` and `tokens`."""

from __future__ import annotations

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.runs.killed_runs import PROCESS_TAG, process_tags
from meta_pipeline.store.coordination.processes import identity


def resources_of(runtime: Runtime) -> dict[str, dg.ResourceDefinition]:
    """Return the resources over one runtime: all runs in this process share its engine."""

    def tagged_runtime(context: dg.InitResourceContext) -> Runtime:
        # Every step needs this resource, so here a run that Dagster started gets the tag of its process, by which
        # `reap` sees that it was killed.
        run = context.run
        if run and context.instance and run.tags.get(PROCESS_TAG) != identity():
            context.instance.add_run_tags(run.run_id, process_tags())
        return runtime

    return {
        "graph": dg.ResourceDefinition(
            lambda _: runtime.graph,
            description="Calls Meta's Graph and Marketing APIs at their pinned versions, and waits when a rate limit "
            "of Meta is near.",
        ),
        "tokens": dg.ResourceDefinition(
            lambda _: runtime.vault,
            description="The access tokens of everyone who has connected, encrypted at rest. Every use is recorded "
            "with its purpose.",
        ),
        "runtime": dg.ResourceDefinition(
            tagged_runtime,
            description="The data of this home: the control store, the landing folder, the warehouse and the published "
            "files.",
        ),
    }
