"""Personal data leaves the house: what is held on somebody, for them; or a stretch of the record, for an archive.

Whatever is taken out is written down first (who, what, where to), so that whoever erases somebody later is told which
files still have them.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from callback.domain.acts import Doer, What, act
from callback.domain.erasure import Export
from callback.flows.erase import Person
from callback.ports import Store

OF_OURS: Final = frozenset({"token", "token_hash", "number_hash", "body_hash", "new_hash", "old_hash"})
"""Columns that tell nobody anything about themselves, and open doors."""
MEANT: Final[Mapping[str, str]] = {
    "callbacks": "promises to call back",
    "calls": "calls from this number",
    "attempts": "calls that we made for a promise",
    "texts": "text messages to this number",
    "wrap_ups": "what an agent wrote down after a talk",
    "ratings": "how they said it was, after a callback",
    "talks": "talks that were held or passed on",
    "requests": "promises that a program asked for",
    "number_changes": "another number that was not confirmed",
    "opt_outs": "wants no text messages",
    "suppressed": "is never rung",
    "rung_outside": "how often this number was rung for somebody else who called",
    "exports": "what was taken out about this number before",
    "carrier_events": "reports of the telephone company on these calls",
    "predictions": "the waits that were told or estimated",
    "quarantine": "what failed and was looked at by somebody",
    "journal": "every change of these calls and promises",
}
"""What a place is, for whoever asked what is held on them."""


@dataclass(frozen=True)
class Wanted:
    """What is to be taken out, and where to ("": only shown)."""

    kind: str  # person, record, trace
    place: str = ""
    number_hash: str = ""
    numbers: bool = False
    since: datetime | None = None
    until: datetime | None = None


def begin(store: Store, wanted: Wanted, doer: Doer, at: datetime) -> Export:
    """Write down that it is taken out, before it is."""
    export = Export(
        f"ex{secrets.token_hex(9)}", at, doer.by, wanted.kind, wanted.place, wanted.number_hash, wanted.numbers,
        wanted.since, wanted.until,
    )  # fmt: skip
    after = {"kind": export.kind, "numbers": export.numbers, "shown": not export.place}
    days = {name: day.isoformat() for name, day in (("from", export.since), ("until", export.until)) if day}
    with store.begin() as work:
        work.act(act(doer, What.EXPORT, export.id, at, after=after | days))
        return work.put_export(export)


def end(store: Store, export: Export, rows: int) -> Export:
    """How much it came to."""
    with store.begin() as work:
        return work.put_export(replace(export, rows=rows))


def about(store: Store, someone: Person) -> dict[str, list[dict[str, Any]]]:
    """Everything that is held on somebody, by place, without what only we can use."""
    with store.look() as work:
        found = work.everything(someone.number_hash)
    return {
        place: [{name: value for name, value in row.items() if name not in OF_OURS} for row in rows]
        for place, rows in found.items()
    }
