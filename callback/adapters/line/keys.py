"""The names in Redis that Python itself uses. Everything else is built inside the scripts (`lua/_keys.lua`).

All share the hash tag `{cb}`, so that a cluster keeps them in one slot and one script can touch them all.
"""

TAG = "{cb}:"
EVENTS = TAG + "events"
"""The stream of what happened, on its way to the record."""

SAID = TAG + "said"
"""The stream of what callers were told, on its way to the record (`said.py`)."""

LINES = TAG + "lines"
"""The keys of all queues in which somebody has stood."""

BOOKED = TAG + "booked"
"""The hash of all appointments (`lua/_entries.lua`)."""

BOARD = TAG + "board"
"""The hash of what the processes tell each other (`board.py`)."""

WAITS = TAG + "waits"
"""The hash of what is expected of every queue's places (`waits.py`)."""

WORDING = TAG + "wording"
"""What is said in place of built-in wordings (`published.py`), set by `lua/configure.lua`."""

BEAT_LOCK = "callback:beat::lock"
"""Held and renewed by the beat that ticks: the prefix of `workers.celery`, and redbeat's own word for the lock."""


def claim(name: str) -> str:
    """What one process alone does for a while."""
    return f"{TAG}claim:{name}"


def queue_state(queue: str) -> str:
    """The hash of a queue's sums and switches (`lua/_measure.lua`)."""
    return f"{TAG}q:{queue}:s"


def pace(bucket: str) -> str:
    """The next free slot of a shared pace (`lua/pace.lua`)."""
    return f"{TAG}pace:{bucket}"


def language(number_hash: str) -> str:
    """What language this number chose."""
    return f"{TAG}lang:{number_hash}"


def document(nonce: str) -> str:
    """A document that was handed to the carrier once."""
    return f"{TAG}doc:{nonce}"
