"""What the scripts answer first: one number, and the error it means. `lua/_keys.lua` names the same numbers."""

from enum import IntEnum

from callback.domain.errors import IllegalMove, NotFound


class Result(IntEnum):
    """The first element of every script's reply."""

    OK = 0
    STALE = 1  # the token is not in force (any more)
    NONE = 2  # nothing to pair, nobody there
    UNKNOWN_AGENT = 3
    ILLEGAL = 4


def succeeded(result: int, about: str) -> bool:
    """Whether the verb did what it was asked; False for what is normal when messages come late or twice.

    Raises:
        NotFound: there is no such agent.
        IllegalMove: a move that neither lateness nor repetition explains.
    """
    if result == Result.UNKNOWN_AGENT:
        raise NotFound(f"there is no agent {about}: configure the line with them first")
    if result == Result.ILLEGAL:
        raise IllegalMove(f"{about}: nobody can be moved like that (see the script's header)")
    return result == Result.OK
