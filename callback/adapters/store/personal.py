"""Where personal data lies in the record: one list, by which somebody is found, shown what is held, and forgotten.

A new table with somebody's number, name or words is one more `Place`. A test compares the list with all tables: what
is sealed, or holds the hash of a number, is either in a place or named in `SPARED` with the reason.

What is blanked leaves its row behind, so that counts and the journal stay whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, true

from callback.adapters.store import tables
from callback.adapters.store.callback_rows import HAS_ENDED_ROW


class By(Enum):
    """What a column holds by which a person's rows are found."""

    NUMBER = "the hash of their number"
    CALLBACK = "the id of a callback of theirs"
    LEG = "a call that came from their number"
    CALL = "a call with them, from either side"
    TEXT = "the id of a text to them"
    SUBJECT = "a callback or a call of theirs"


class Gone(Enum):
    """What a column holds afterwards."""

    NULL = None
    EMPTY = ""
    UNSEALED = b""  # where a sealed value must be: it reads as ""


@dataclass(frozen=True)
class Place:
    """A table in which somebody may be found. `blank` says what becomes of a row of theirs: nothing (None: nobody is
    named in it, it is only told), some columns, or ({}) the whole row goes."""

    name: str
    table: Table
    found: Mapping[str, By]
    blank: Mapping[str, Gone] | None = None
    over: ColumnElement[bool] = field(default_factory=true)  # whose end has come: what goes on is left
    structured: frozenset[str] = frozenset()  # sealed columns that hold JSON

    @property
    def key(self) -> str:
        """The column by which a row is named."""
        return next(iter(self.table.primary_key.columns)).name


_callbacks, _legs, _attempts = tables.callbacks, tables.legs, tables.attempts

PLACES: Final = (
    Place(
        "attempts", _attempts, {"callback": By.CALLBACK}, {"error": Gone.EMPTY}, over=_attempts.c.ended_at.is_not(None)
    ),
    Place("requests", tables.idempotency, {"callback": By.CALLBACK}, {}),
    Place(
        "texts", tables.messages, {"id": By.TEXT},
        {"number": Gone.UNSEALED, "number_hash": Gone.EMPTY, "body": Gone.UNSEALED, "error": Gone.EMPTY},
    ),
    Place("ratings", tables.ratings, {"callback": By.CALLBACK}, {}),
    Place(
        "talks", tables.talks, {"entry": By.SUBJECT, "call": By.CALL, "to_hash": By.NUMBER},
        {"to": Gone.NULL, "to_hash": Gone.NULL},
    ),
    Place("wrap_ups", tables.wrap_ups, {"entry": By.SUBJECT, "call": By.CALL}, {"notes": Gone.NULL}),
    Place("number_changes", tables.number_changes, {"number_hash": By.NUMBER, "callback": By.CALLBACK}, {}),
    Place("exports", tables.exports, {"number_hash": By.NUMBER}, {"number_hash": Gone.EMPTY, "place": Gone.UNSEALED}),
    Place(
        "calls", _legs, {"call": By.LEG}, {"number": Gone.UNSEALED, "number_hash": Gone.NULL},  # NULL: withheld
        over=_legs.c.ended_at.is_not(None),
    ),
    Place(
        "callbacks", _callbacks, {"id": By.CALLBACK},
        {
            "number": Gone.UNSEALED, "number_hash": Gone.EMPTY, "name": Gone.NULL, "token": Gone.NULL,
            "token_hash": Gone.NULL, "context": Gone.NULL,
        },
        over=HAS_ENDED_ROW, structured=frozenset({"context"}),
    ),
    Place("opt_outs", tables.opt_outs, {"number_hash": By.NUMBER}),
    Place("suppressed", tables.suppressed, {"number_hash": By.NUMBER}),
    Place("rung_outside", tables.rung_outside, {"number_hash": By.NUMBER}),
    Place("carrier_events", tables.carrier_events, {"call": By.CALL}),
    Place("predictions", tables.predictions, {"subject": By.SUBJECT}),
    Place("quarantine", tables.quarantine, {"subject": By.SUBJECT}),
    Place("journal", tables.journal, {"subject": By.SUBJECT}),
)  # fmt: skip
"""In the order in which they are blanked: what is found by a callback or a call goes before those."""

PROTECTION: Final = (tables.opt_outs, tables.suppressed, tables.rung_outside)
"""Kept, since they hold only what keeps somebody from being rung or texted again. Forgotten on demand."""

SPARED: Final[Mapping[str, str]] = {
    "opt_outs.number_hash": "protects the person; forgotten on demand",
    "suppressed.number_hash": "protects the person; forgotten on demand",
    "rung_outside.number_hash": "protects the person, who is rung so often a day at most; forgotten on demand",
    "agents.name": "configuration: somebody who works here",
    "agents.contact": "configuration: somebody who works here",
    "users.password_hash": "configuration: somebody who works here",
    "sessions.id_hash": "of a browser of somebody who works here",
    "second_steps.secret": "configuration: somebody who works here",
    "second_steps.pending": "configuration: somebody who works here",
    "recovery_codes.code_hash": "configuration: somebody who works here",
    "welcome_links.token_hash": "configuration: somebody who works here",
    "tokens.token_hash": "of a program, not of a person",
    "queue_numbers.number": "our own, published",
    "attempts.number": "counts the attempts",
    "epoch.number": "counts the lines",
    "idempotency.body_hash": "goes with its row",
    "erasures.number": "goes by itself once the erasure is done",
    "erasures.number_hash": "goes by itself once the erasure is done",
    "wait_models.joining": "a model: names nobody",
    "wait_models.standing": "a model: names nobody",
}
"""Columns that look personal and are not blanked, each with the reason."""


def about(place: Place, column: str, row: Mapping[str, Any]) -> str:
    """What a sealed value of this row is sealed for."""
    return f"{place.table.name}.{column}:{row[place.key]}"
