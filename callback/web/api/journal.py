"""The journal over the API: every change of state in the order of commit, for whoever keeps a copy or checks us."""

from typing import Any

from flask import Blueprint

from callback.flows import look
from callback.web.api import models
from callback.web.api.contract import operation, taken_query
from callback.web.context import house
from callback.web.guards import Role


def routes(api: Blueprint) -> None:
    """Adds this part to the API."""
    api.get("/journal")(journal)


@operation(Role.VIEWER, models.Journal, query=models.JournalQuery, refuses=(422,), tag="journal")
def journal() -> dict[str, Any]:
    """Changes after `after`, oldest first. `next` is null at the end: ask again later with the last `seq` you have."""
    asked = taken_query(models.JournalQuery)
    with house().store.begin() as work:
        entries = work.journal(after=asked.after, limit=asked.limit, kind=asked.kind, subject=asked.subject)
    full = len(entries) == asked.limit
    return {"items": [look.journal_json(entry) for entry in entries], "next": str(entries[-1].seq) if full else None}
