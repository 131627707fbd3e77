"""What an agent's desk adds to a talk: holds and transfers while it lasts, and what is written down after it.

The line knows who talks with whom, and nothing else. Whether the caller hears music meanwhile, where they were passed
on to, and what came of the talk are facts of the record, each named by the token of the pairing they belong to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from callback.domain.errors import InvalidInput
from callback.domain.ids import AgentKey, CallSid, EntryId, QueueKey, Token

AWAY_REASONS = ("break", "lunch", "training", "paperwork")
"""Why an agent may be away, in the order in which the desk offers them."""
NO_TOKEN, NO_LEG = Token(""), CallSid("")
NOTES_LENGTH = 4_000
"""Characters of notes on one talk."""


class Wish(StrEnum):
    """What is to become of the caller of a talk that is not simply going on."""

    NONE = ""
    HOLD = "hold"  # they hear music, and the agent waits in a conference
    QUEUE = "queue"  # passed on: in line elsewhere, in the place they had
    AGENT = "agent"  # passed on to one agent
    NUMBER = "number"  # passed on to a telephone that is none of ours


PASSED = frozenset({Wish.QUEUE, Wish.AGENT, Wish.NUMBER})
"""Wishes after which the talk is over for its agent."""


class Stage(StrEnum):
    """How far an agent is who asks somebody else before passing the caller on."""

    NONE = ""
    CONSULT = "consult"  # the caller hears music, and the agent rings the other side, or talks with them in private
    JOIN = "join"  # all three together: once the agent leaves, the caller is passed on


class CameTo(StrEnum):
    """What came of the last consultation, where that was not what the agent wanted; of whoever was passed on to a
    number, whether it may be rung."""

    NOTHING = ""
    MISSED = "missed"  # nobody picked up
    LEFT = "left"  # they hung up
    REFUSED = "refused"  # they may not be rung any more
    RUNG = "rung"  # passed on: it may be, and is counted


@dataclass(frozen=True)
class Talk:
    """A talk that was held, consulted about or passed on. Times are aware UTC, durations seconds.

    `room` counts the conferences it was moved into (0: still as it began), `agent_room` the one that the agent's leg
    has asked for. `held_at` is since when the caller has heard music.

    At a `stage`, `other` is whom the agent consults (a queue, an agent, a number; `to` says which), `other_token` the
    pairing of a colleague ("" for a number), `other_leg` the leg of whoever it is, once they have picked up at
    `other_at`, and `other_room` the conference that it has asked for. `warm`: passed on after a consultation.
    `asked_at` is since when the carrier has been asked for something that has not shown yet. `outside` counts the
    numbers that were rung.
    """

    token: Token
    agent: AgentKey
    queue: QueueKey
    entry: EntryId
    call: CallSid  # the caller's leg
    agent_leg: CallSid
    began_at: datetime
    wish: Wish = Wish.NONE
    to: str = field(default="", repr=False)  # a queue, an agent, or a number (sealed in SQL)
    room: int = 0
    agent_room: int = 0
    held_at: datetime | None = None
    holds: int = 0
    held_s: float = 0.0
    passed_at: datetime | None = None
    stage: Stage = Stage.NONE
    other: Wish = Wish.NONE
    other_token: Token = NO_TOKEN
    other_leg: CallSid = NO_LEG
    other_at: datetime | None = None
    other_room: int = 0
    came_to: CameTo = CameTo.NOTHING
    warm: bool = False
    asked_at: datetime | None = None
    outside: int = 0

    @property
    def parted(self) -> bool:
        """Whether the caller is on hold, as far as they have heard of it."""
        return self.wish is Wish.HOLD and self.held_at is not None

    @property
    def alone(self) -> bool:
        """Whether the caller is without their agent: they are to hear music, or hear it still, although they were
        asked for again."""
        return self.wish is Wish.HOLD or self.held_at is not None

    @property
    def handing(self) -> bool:
        """Whether the other side is in the room, so that the caller stays with them when the agent leaves."""
        return self.stage is Stage.JOIN and self.other_room == self.room

    @property
    def together(self) -> bool:
        """Whether all three are in one room, as far as they were sent there."""
        return self.handing and self.wish is Wish.NONE


@dataclass(frozen=True)
class WrapUp:
    """What an agent wrote down about a talk. `resolved` says whether the caller's matter was settled at this contact
    (None: not said). `entry` and `call` are whom it was with, by which an erasure finds the notes."""

    token: Token
    agent: AgentKey
    queue: QueueKey
    entry: EntryId
    call: CallSid | None
    began_at: datetime
    code: str
    resolved: bool | None
    notes: str = field(repr=False)
    at: datetime


@dataclass(frozen=True)
class Earlier:
    """A contact that somebody had before, with what came of it. `live`: they rang; else it was a promise to ring."""

    at: datetime
    live: bool
    queue: str
    state: str
    agent: str
    code: str = ""
    resolved: bool | None = None


@dataclass(frozen=True)
class Code:
    """A way in which a talk can end. `resolved` is what it usually says about the caller's matter."""

    name: str
    resolved: bool


USUAL_CODES = "solved:yes, information given:yes, to be continued:no, passed on:no, wrong number:no"
"""Where an installation names none of its own."""


def codes(text: str) -> tuple[Code, ...]:
    """The codes of an installation: names with commas between them, each with `:yes` or `:no`.

    Raises:
        InvalidInput: an empty list, a name twice or without either word.
    """
    found = tuple(_code(part) for part in text.split(",") if part.strip())
    if not found or len({code.name for code in found}) < len(found):
        raise InvalidInput("codes", "must be names that differ, such as solved:yes, to be continued:no")
    return found


def _code(part: str) -> Code:
    name, _, word = (piece.strip() for piece in part.rpartition(":"))
    if not name or word not in ("yes", "no"):
        raise InvalidInput("codes", f"{part.strip()!r} must end in :yes or :no")
    return Code(name, word == "yes")


def known(code: str, among: Sequence[Code]) -> bool:
    """Whether this installation has such a code; "" is none chosen."""
    return not code or any(one.name == code for one in among)
