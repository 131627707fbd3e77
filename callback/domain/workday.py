"""What rows of the journal say of an agent's day: why a ring ended, and whether a talk was one."""

from enum import StrEnum

from callback.domain.callback import Entry
from callback.domain.ids import Token, consults_for


class Unanswered(StrEnum):
    """Why an agent is away who was rung: the words are those of the journal."""

    MISSED = "missed the ring"
    LEFT = "hung up before the caller"
    DECLINED = "declined the call"


MISSED = frozenset({Unanswered.MISSED, Unanswered.LEFT})
"""What the agent did not choose, and may not have noticed."""
DECLINED = Unanswered.DECLINED


def only_asked(token: str, entry: str, end: Entry) -> bool:
    """Whether a colleague asked them about a caller from then on until `end`, and they did not take the caller: that is
    time at work, and no talk. Whoever takes the caller ends the talk with them."""
    return consults_for(Token(token)) is not None and end.data.get("entry") == entry
