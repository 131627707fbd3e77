"""Typed names for the things that flows pass around, so that a call id is never mistaken for a callback id."""

import hashlib
import secrets
from typing import NewType

QueueKey = NewType("QueueKey", str)
AgentKey = NewType("AgentKey", str)
CallbackId = NewType("CallbackId", str)
AttemptId = NewType("AttemptId", str)
CallSid = NewType("CallSid", str)
"""The carrier's name of one leg: `CA` and 32 hexadecimal digits."""
EntryId = NewType("EntryId", str)
"""Somebody in line: the `CallSid` of a live caller, or a `CallbackId`."""
Token = NewType("Token", str)
"""The fencing token of one reservation: whoever acts for it shows it, and a stale one changes nothing."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_SHIFTS = range(0, 90, 5)
"""18 characters of 5 bits: 90 random bits, so that a collision is out of the question at any volume."""


def _fresh(prefix: str) -> str:
    bits = secrets.randbits(90)  # drawn at once: a draw for each character costs ten times as much
    return prefix + "".join([_ALPHABET[bits >> shift & 31] for shift in _SHIFTS])


def new_callback_id() -> CallbackId:
    """A new callback id, `cb` and 18 characters that are easy to read aloud (no i, l, o, u)."""
    return CallbackId(_fresh("cb"))


def new_attempt_id() -> AttemptId:
    """A new attempt id. One reservation leads to at most one attempt, but an attempt outlives its reservation."""
    return AttemptId(_fresh("at"))


def new_token() -> Token:
    """A new reservation token."""
    return Token(_fresh("rs"))


def token_hash(secret: str) -> str:
    """By what a link, a token or a session is looked up, 64 hexadecimal digits: each has at least 128 random bits, so
    that a plain SHA-256, without key or salt, cannot be searched."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_callback(entry: EntryId) -> bool:
    """Whether the one in line is a callback (a promise) rather than a call that never hung up."""
    return entry.startswith("cb")


def consult_token(first: Token) -> Token:
    """Of a new pairing in which the agent of the talk `first` consults somebody: never one that was used before, which
    may be over, or another question's."""
    return Token(f"{first}.{_fresh('')}")


def consults_for(token: Token) -> Token | None:
    """The talk whose agent consults, or has consulted, under this token. None: it is no such token."""
    first, dot, _ = token.rpartition(".")
    return Token(first) if dot else None
