"""Who may do what: asked before anything that only some may do."""

from ari_app.board.floor import Floor
from ari_app.model.ids import AgentId


def refusal(floor: Floor, by: AgentId) -> str:
    """Why this one may not supervise; empty when he may."""
    agent = floor.settings.agents.get(by)
    if agent is None:
        return f"no agent has the work number {by!r}: say who you are by your work number"
    return "" if "supervise" in agent.may else f"{by} may not supervise: agents.{by}.may in config.yaml"
