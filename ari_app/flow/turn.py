"""One input being worked on: the cursor moves, intents gather. Pure; what the nodes' rules have in common."""

from dataclasses import dataclass, field
from typing import Any, Final

from ari_app.flow import speech
from ari_app.flow.intents import Cursor, Hush, Intent, Say, Unsaid, Unwait, Walk, copied
from ari_app.flow.model import GOODBYE, LoadedFlow
from ari_app.flow.nodes import Node

TYPED_MAX: Final = 16  # Keys kept ahead; more are dropped (a fax, a child, a stuck key).


@dataclass
class Turn:
    """Rules return the next node's name, or None when the caller stays where he is.

    `owned`: the cursor is this turn's own copy that nobody else has seen: until it is given out, it may be written.
    """

    walk: Walk
    now: float
    at: Cursor
    owned: bool = False
    moved: bool = False
    intents: list[Intent] = field(default_factory=list)

    @property
    def flow(self) -> LoadedFlow:
        return self.at.flow or self.walk.flow

    @property
    def node(self) -> Node:
        return self.flow.node(self.at.node)

    def move(self, **changes: Any) -> None:
        if not self.owned:
            self.at, self.owned = copied(self.at), True
        self.moved = True
        for name, value in changes.items():
            object.__setattr__(self.at, name, value)

    def do(self, *intents: Intent) -> None:
        self.intents += intents

    def say(self, said: tuple[str, ...]) -> None:
        """Say prompts and values; a value that cannot be said is left out, and told."""
        prompts: list[str] = []
        for each in said:
            form, colon, name = each.partition(":")
            if not colon:
                prompts.append(each)
                continue
            try:
                value = self.at.values[name]
                prompts += speech.speak(str(value), form, str(self.at.values.get("language", "")))  # type: ignore[arg-type]
            except (KeyError, ValueError) as problem:
                self.do(Unsaid(self.at.node, f"{each}: {problem}"))
        self.move(saying=True, waiting=False)
        self.do(Say(tuple(prompts)))

    def stop(self) -> None:
        """End what is being said or waited for."""
        if self.at.saying:
            self.do(Hush())
        elif self.at.waiting:
            self.do(Unwait())

    def again(self, hint: str, leave: str | None, tries: int, say: tuple[str, ...]) -> str | None:
        """A try is used up: say it again, or leave."""
        if self.at.tries + 1 >= tries:
            return leave or GOODBYE
        self.move(tries=self.at.tries + 1, digits="")
        self.say((hint, *say))
        return None
