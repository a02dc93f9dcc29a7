"""The checker of flows: everything that can be told wrong before a caller hears it. Pure; config/ adds line and column.

Rules by kind: single nodes (lint_nodes), where they lead (lint_ways), what config.yaml must have (lint_world), what
situations.yaml must have (lint_situations).
"""

from collections.abc import Mapping

from ari_app.flow.finding import Draft, Finding, World
from ari_app.flow.lint_nodes import check_nodes
from ari_app.flow.lint_situations import check_runs
from ari_app.flow.lint_ways import across, check_ways
from ari_app.flow.lint_world import check_world


def lint(drafts: Mapping[str, Draft], world: World) -> dict[str, list[Finding]]:
    """The findings of each flow by its name; a clean flow has none."""
    together = across(drafts)
    return {
        name: [
            *check_ways(name, together, world),
            *check_nodes(draft, world),
            *check_world(draft, world),
            *check_runs(draft, world),
        ]
        for name, draft in drafts.items()
    }
