"""The nodes that people may reach, and their tasks there."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class NodeAccess:
    """The tasks of people on the nodes whose tasks were changed; people have every task on the others."""

    tasks: dict[str, list[str]] = field(default_factory=dict)

    def is_reachable(self, node_id: str) -> bool:
        """Check whether the node is still shared with people: an empty list of tasks means it is not."""
        return self.tasks.get(node_id) != []

    def may_read(self, node_id: str) -> bool:
        """Check whether people may see the figures of an account or a Page."""
        return "ANALYZE" in self.tasks.get(node_id, ["ANALYZE"])
