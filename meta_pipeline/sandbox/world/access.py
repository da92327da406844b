"""The nodes that people may reach, their tasks there, and who owns them."""

from __future__ import annotations

from dataclasses import dataclass, field

from meta_pipeline.sandbox.world.entities import Business


@dataclass
class NodeAccess:
    """The access to nodes, as far as control calls or requests changed it. `tasks`: people's tasks by node; on other
    nodes they have every task. `owners`: by node, None for one that no portfolio owns. `assigned`: for each system user
    that was created here, its tasks by node; it has no others. `identities`: the assigned Instagram accounts by ad
    account."""

    tasks: dict[str, list[str]] = field(default_factory=dict)
    owners: dict[str, Business | None] = field(default_factory=dict)
    assigned: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    identities: dict[str, list[str]] = field(default_factory=dict)

    def tasks_of(self, user_id: str, node_id: str) -> list[str] | None:
        """Return the tasks of a person or system user on a node; None for every task."""
        if user_id in self.assigned and self.tasks.get(node_id) != []:
            return self.assigned[user_id].get(node_id, [])
        return self.tasks.get(node_id)

    def is_reachable(self, node_id: str, user_id: str) -> bool:
        """Check whether the node is still shared with somebody: an empty list of tasks means it is not."""
        return self.tasks_of(user_id, node_id) != []

    def may_read(self, node_id: str, user_id: str) -> bool:
        """Check whether somebody may see the figures of an account or a Page."""
        tasks = self.tasks_of(user_id, node_id)
        return tasks is None or "ANALYZE" in tasks

    def owner(self, node_id: str, first_owner: Business) -> Business | None:
        """Return the portfolio that owns a node now."""
        return self.owners.get(node_id, first_owner)
