"""The carrier's status words, and what each means for us.

The words are the same in webhooks and in the REST record: how a call ended, who or what picked up, how the leg of a
dialled agent ended, and why a caller left the carrier's queue.
"""

from enum import StrEnum
from typing import Final

from callback.domain.callback import Outcome


class CallStatus(StrEnum):
    """Where a call is in its life."""

    QUEUED = "queued"
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"


class AnsweredBy(StrEnum):
    """Who picked up."""

    PERSON = "person"
    MACHINE = "machine"


class LegEnd(StrEnum):
    """How the dialled leg of an agent ended."""

    TALKED = "talked"  # or was answered at least: `completed` is said whoever hung up, with or without a key
    MISSED = "missed"
    FAILED = "failed"


class QueueEnd(StrEnum):
    """Why a caller is no longer in the carrier's queue."""

    LEFT = "left"  # our own document let them go on
    TAKEN = "taken"  # connected, or taken out by us
    HUNG_UP = "hung_up"
    TROUBLE = "trouble"  # the carrier could not hold them: they still need us


ENDED: Final = frozenset(
    {CallStatus.COMPLETED, CallStatus.BUSY, CallStatus.FAILED, CallStatus.NO_ANSWER, CallStatus.CANCELED}
)

UNANSWERED: Final[dict[CallStatus, Outcome]] = {
    CallStatus.BUSY: Outcome.BUSY,
    CallStatus.NO_ANSWER: Outcome.NO_ANSWER,
    CallStatus.FAILED: Outcome.FAILED,
    CallStatus.CANCELED: Outcome.CANCELLED,
}
"""How an attempt ended whose call was never answered. `completed` only says that it ended: the rest is ours to know."""

ANSWERED_BY: Final[dict[str, AnsweredBy]] = {
    "human": AnsweredBy.PERSON,
    "unknown": AnsweredBy.PERSON,  # a person until proved otherwise: they are asked for a key anyway
    "": AnsweredBy.PERSON,  # nobody asked the carrier to listen
    "machine_start": AnsweredBy.MACHINE,
    "machine_end_beep": AnsweredBy.MACHINE,
    "machine_end_silence": AnsweredBy.MACHINE,
    "machine_end_other": AnsweredBy.MACHINE,
    "fax": AnsweredBy.MACHINE,
}

DIAL_CALL_STATUS: Final[dict[str, LegEnd]] = {
    "completed": LegEnd.TALKED,
    "answered": LegEnd.TALKED,
    "busy": LegEnd.MISSED,
    "no-answer": LegEnd.MISSED,
    "canceled": LegEnd.MISSED,  # the caller hung up while it rang
    "failed": LegEnd.FAILED,
}

QUEUE_RESULT: Final[dict[str, QueueEnd]] = {
    "leave": QueueEnd.LEFT,
    "bridged": QueueEnd.TAKEN,
    "bridging-in-process": QueueEnd.TAKEN,
    "redirected": QueueEnd.TAKEN,
    "redirected-from-bridged": QueueEnd.TAKEN,
    "hangup": QueueEnd.HUNG_UP,
    "error": QueueEnd.TROUBLE,
    "queue-full": QueueEnd.TROUBLE,
    "system-error": QueueEnd.TROUBLE,
}


def call_status(word: str) -> CallStatus:
    """The status a webhook or the record names. Raises ValueError for a word nobody has heard of."""
    return CallStatus(word)


def answered_by(word: str) -> AnsweredBy:
    """The verdict of the carrier's detection; a new word is treated like `unknown`, as a person."""
    return ANSWERED_BY.get(word, AnsweredBy.PERSON)
