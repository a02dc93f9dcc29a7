"""The API of situations: the phrase cards and scripts that are live, for agents' pages (docs/api.md)."""

from typing import Any, Final, Protocol

from aiohttp import web

from ari_app.flow.situations import Situation, Situations
from ari_app.web.auth import Refusal, answer

_BRIEF: Final = ("title", "who", "when", "trigger", "allowed")


class SituationDesk(Protocol):
    """What the daemon offers."""

    def situations(self) -> Situations:
        """Those of new calls."""
        ...


class SituationEndpoints:
    """One method an endpoint."""

    def __init__(self, desk: SituationDesk) -> None:
        self._desk = desk

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/situations", self.listed)
        router.add_get("/api/situations/{name}", self.one)

    async def listed(self, _: web.Request) -> web.Response:
        live = self._desk.situations()
        return answer(
            {
                "version": live.version,
                "situations": [_told(name, each, brief=True) for name, each in live.named.items()],
            }
        )

    async def one(self, request: web.Request) -> web.Response:
        name, live = request.match_info["name"], self._desk.situations()
        if name not in live.named:
            raise Refusal(404, f"no situation {name[:40]!r}", "GET /api/situations lists them")
        return answer(_told(name, live.named[name]))


def _told(name: str, situation: Situation, brief: bool = False) -> dict[str, Any]:
    """As situations.yaml writes it; `runs_in_talk`: an agent may leave a caller to its script."""
    found = situation.model_dump(mode="json", by_alias=True, include=set(_BRIEF) if brief else None)
    return {"name": name, **found, "runs_in_talk": situation.runs("talking")}
