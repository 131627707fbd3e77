"""What all simulated people share: the exchange, the storyteller, the conversations under way, who sits where."""

from dataclasses import dataclass, field
from typing import Protocol

from callback.emulator.handset import Exchange
from callback.emulator.persons import Figures, Person

Field = str | float | bool | None


class Narrate(Protocol):
    """Tells the story: an event in words, and its fields."""

    def __call__(self, event: str, /, **fields: Field) -> None:
        """Publish one line."""


@dataclass
class Talk:
    """What two people have to say to each other: its length in simulated seconds, who rings off, whether it is done."""

    length_s: float
    caller_ends: bool
    finished: bool = False


@dataclass
class Scene:
    """The stage. `agent_at` names the agent at an address, `talks` has the conversation of each caller's leg by sid."""

    exchange: Exchange
    narrate: Narrate
    seed: int = 1
    figures: Figures = field(default_factory=Figures)
    agent_at: dict[str, str] = field(default_factory=dict)
    talks: dict[str, Talk] = field(default_factory=dict)
    talking: int = 0

    def tell(self, person: Person, event: str, **fields: Field) -> None:
        """Narrate something `person` does or hears."""
        self.narrate(event, who=person.name, number=person.number, lead=person.lead, **fields)
