"""Wrapping up: what came of a talk is written down, while it lasts, afterwards, and until the end of the day.

Writing it down changes nobody's state. How long an agent wraps up is theirs to say: longer, or over now.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from callback.domain.callback import Entry
from callback.domain.desk import NOTES_LENGTH, Code, WrapUp, known
from callback.domain.errors import InvalidInput, NotFound
from callback.domain.ids import AgentKey, CallSid, EntryId, QueueKey, Token, consults_for, is_callback
from callback.domain.lifecycle import AgentStatus
from callback.domain.tallying import NOTED, micros
from callback.flows import parted
from callback.ports import AgentView, House, Work

LONGER = timedelta(seconds=30)
LONGEST = timedelta(minutes=15)
"""However often they ask for more."""
BACK = 4_000
"""Rows of an agent's journal of one day: more than anybody makes."""


def longer(house: House, agent: AgentKey) -> AgentView | None:
    """Half a minute more, up to a quarter of an hour in all. None: they are in no wrap-up."""
    view = house.line.agent(agent)
    if view.status is not AgentStatus.WRAP_UP or view.wrap_until is None:
        return None
    until = min(max(view.wrap_until, house.clock.now()) + LONGER, view.since + LONGEST)
    return house.line.wrap(agent, max(until, view.wrap_until))


def save(
    house: House, agent: AgentKey, token: Token, code: str, resolved: bool | None, notes: str, among: Sequence[Code],
    *, since: datetime,
) -> WrapUp:  # fmt: skip
    """Write down what came of a talk of theirs that began after `since`, or write it anew.

    Nothing is kept in words about somebody who was forgotten meanwhile.

    Raises NotFound for any other talk, InvalidInput for a code this installation does not have or too many words.
    """
    if not known(code, among):
        raise InvalidInput("code", "there is no such outcome")
    if len(notes) > NOTES_LENGTH:
        raise InvalidInput("notes", f"at most {NOTES_LENGTH} characters are kept")
    about = now_talking(house, agent, token)
    with house.store.begin() as work:
        about = about or work.wrap_up(token) or from_journal(work, agent, token, since)
        if about is None or about.agent != agent or about.began_at < since:
            raise NotFound("this talk was not yours, or not today")
        kept = "" if work.is_forgotten(about.entry) else notes.strip()
        changed = WrapUp(
            about.token, agent, about.queue, about.entry, about.call, about.began_at,
            code, resolved, kept, house.clock.now(),
        )  # fmt: skip
        tell(work, changed, work.wrap_up(token))
        return work.put_wrap_up(changed)


def tell(work: Work, now: WrapUp, was: WrapUp | None) -> None:
    """The journal says whether the caller's matter was settled, and what had been said before: reports count it. What
    was written down stands in its own row alone."""
    before = was.resolved if was is not None else None
    if now.resolved == before:
        return
    told: dict[str, Any] = {"token": now.token, "agent": now.agent, "began": micros(now.began_at)}
    told |= {"resolved": now.resolved, "was": before}
    why = f"{now.agent} wrote down what came of a talk"
    work.write(Entry(now.at, "queue", now.queue, None, NOTED, why, now.entry, now.queue, told))


def now_talking(house: House, agent: AgentKey, token: Token) -> WrapUp | None:
    """The talk they are in, with nothing written down yet."""
    pairing = parted.talking(house, agent)
    if pairing is None or pairing.token != token:
        return None
    began = pairing.bridged_at or pairing.at
    return WrapUp(token, agent, pairing.queue, pairing.entry, pairing.leg, began, "", None, "", began)


def from_journal(work: Work, agent: AgentKey, token: Token, since: datetime) -> WrapUp | None:
    """A talk that is over."""
    return next((talk for talk in talks_of(work, agent, since) if talk.token == token), None)


def talks_of(work: Work, agent: AgentKey, since: datetime) -> list[WrapUp]:
    """The talks of an agent that began after `since`, newest first, with nothing written down."""
    rows = work.journal(after=work.seq_before(since), limit=BACK, kind="agent", subject=agent)
    begun = [blank(agent, row) for row in rows if row.after == AgentStatus.BUSY and row.data.get("token")]
    found = (with_caller(work, talk) for talk in reversed(begun) if talk.began_at >= since)
    return [talk for talk in found if talk is not None]


def with_caller(work: Work, talk: WrapUp) -> WrapUp | None:
    """Where they were asked by a colleague at first: the talk with the caller whom they took. None: they took none."""
    if consults_for(talk.token) is None:
        return talk
    taken = work.talk(talk.token)
    return None if taken is None else replace(talk, entry=taken.entry, call=taken.call)


def blank(agent: AgentKey, row: Entry) -> WrapUp:
    """The talk that began with this row."""
    token, entry = Token(str(row.data["token"])), EntryId(str(row.data.get("entry", row.cause)))
    call = None if is_callback(entry) else CallSid(entry)
    return WrapUp(token, agent, QueueKey(row.queue), entry, call, row.at, "", None, "", row.at)


def last(house: House, agent: AgentKey, since: datetime) -> WrapUp | None:
    """What is written down about their last talk, or that there was one. None: none since then."""
    with house.store.look() as work:
        newest = next(iter(talks_of(work, agent, since)), None)
        return None if newest is None else work.wrap_up(newest.token) or newest
