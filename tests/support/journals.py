"""Journals written by hand, row by row, as the line and the record would have written them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from callback.domain.audit import DOUBT, Audit, Breach, Invariant, Overtaking, Since
from callback.domain.callback import Entry
from callback.domain.order import score

BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(second: float) -> datetime:
    """So many seconds after the journal began."""
    return BEGAN + timedelta(seconds=second)


def place(second: float) -> int:
    """The score of somebody who joined then."""
    return score(at(second))


class Written:
    """A journal; each row is a second after the one before unless `now` is set. `numbers`: telephones of callbacks."""

    def __init__(self) -> None:
        self.rows: list[Entry] = []
        self.numbers: dict[str, str] = {}
        self.now = 0.0

    def row(
        self, kind: str, subject: str, before: str | None, after: str, reason: str = "", cause: str = "",
        queue: str = "support", **data: Any,
    ) -> None:  # fmt: skip
        """Any row."""
        self.now += 1
        self.rows.append(
            Entry(at(self.now), kind, subject, before, after, reason, cause, queue, data, seq=len(self.rows) + 1)
        )

    # --- configuration -----------------------------------------------------------------------------------------

    def queue(self, key: str = "support", *, dialing: bool = True) -> None:
        """A queue, or its switch."""
        self.row("queue", key, None, "dialing" if dialing else "resting", queue=key)

    def agent(self, key: str, *queues: str) -> None:
        """Somebody at work, who serves these queues (support unless given)."""
        self.row("agent", key, None, "offline", "configured", queue="")
        self.serves(key, *(queues or ("support",)))
        self.row("agent", key, "offline", "available", "presence", queue="")

    def serves(self, key: str, *queues: str) -> None:
        """From now on."""
        levels = dict.fromkeys(queues, 1)
        self.row("queue", "line", None, "serves", cause=key, queue="", agent=key, serves=levels)

    def emptied(self) -> None:
        """A rebuild begins."""
        self.row("queue", "line", None, "clearing", queue="")
        self.row("queue", "line", None, "cleared", queue="")

    # --- whoever is in line ------------------------------------------------------------------------------------

    def call(
        self, sid: str, before: str | None, after: str, reason: str = "told", *, joined: float, **more: Any
    ) -> None:
        """A live call's move."""
        credit = more.pop("credit", 0)
        self.row("call", sid, before, after, reason, sid, score=place(joined - credit), joined=place(joined), **more)

    def holds(self, sid: str, *, joined: float, queue: str = "support", credit: float = 0) -> None:
        """Somebody arrives and holds."""
        self.call(sid, None, "arrived", "arrived", joined=joined, queue=queue, credit=credit)
        self.call(sid, "arrived", "waiting", "on_hold", joined=joined, queue=queue, credit=credit)

    def promise(self, who: str, *, joined: float, due: bool = True, number: str = "", state: str = "waiting") -> None:
        """A promise, in the record and in the line."""
        self.numbers[who] = number
        self.moves(who, None, state, joined=joined)
        if state == "waiting":
            self.stands(who, "", "due" if due else "later", joined=joined)

    def moves(self, who: str, before: str | None, after: str, reason: str = "", *, joined: float, **data: Any) -> None:
        """A promise's row in the record."""
        queue = data.pop("queue", "support")
        self.row("callback", who, before, after, reason, "test", queue, score=place(joined), **data)

    def stands(
        self, who: str, before: str, after: str, reason: str = "entered", *, joined: float, queue: str = "support",
        credit: float = 0,
    ) -> None:  # fmt: skip
        """A promise's place in the line."""
        scored, came = place(joined - credit), place(joined)
        self.row("queue", queue, before or None, after, reason, who, queue, score=scored, joined=came)

    # --- pairings ----------------------------------------------------------------------------------------------

    def paired(self, agent: str, who: str, token: str, *, queue: str = "support", reason: str = "matched") -> None:
        """An agent gets somebody."""
        self.row("agent", agent, "available", "reserved", reason, who, queue, token=token, entry=who)

    def talks(self, agent: str, who: str, token: str, *, queue: str = "support") -> None:
        """They are bridged."""
        self.row("agent", agent, "reserved", "busy", "bridged", who, queue, token=token, entry=who)

    def freed(self, agent: str, before: str, who: str, token: str, to: str = "available") -> None:
        """The pairing or the talk is over."""
        self.row("agent", agent, before, to, "over", who, "support", token=token, entry=who)

    def serves_live(self, agent: str, sid: str, token: str, *, joined: float, **more: Any) -> None:
        """A caller on hold gets an agent: their row, and the agent's."""
        self.call(sid, more.pop("before", "waiting"), "reserved", "matched", joined=joined, token=token, **more)
        self.paired(agent, sid, token, queue=more.get("queue", "support"))

    # --- what an audit says ------------------------------------------------------------------------------------

    def audit(self, since: Since | None = None, listed: list[Overtaking] | None = None) -> Audit:
        """Everything read."""
        audit = Audit(listed.append if listed is not None else None, since)
        for row in self.rows:
            audit.feed(row, self.numbers.get(row.subject) or None)
        return audit

    def breaches(self, **finish: Any) -> list[Breach]:
        """Once it is too late for an explanation."""
        return self.audit().finish(at(self.now) + 2 * DOUBT, **finish).breaches

    def kinds(self, **finish: Any) -> list[Invariant]:
        """Which invariants are broken, a word for each breach."""
        return [breach.kind for breach in self.breaches(**finish)]

    def overtakings(self) -> dict[str, int]:
        """By rule, without the zeros."""
        found = self.audit().findings.overtakings
        return {rule.value: count for (_, rule), count in found.items() if count}
