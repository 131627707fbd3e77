"""Attempts, the legs of calls, and which of the carrier's events were seen before."""

from collections.abc import Container
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, or_, select, update

from callback.adapters.store.columns import Instant
from callback.adapters.store.damage import Damage, not_held
from callback.adapters.store.sealed import Sealer
from callback.adapters.store.tables import attempts, callbacks, carrier_events, legs
from callback.adapters.store.traffic import Counted
from callback.adapters.store.transaction import plain_row, plain_values
from callback.domain.callback import Attempt, Leg, Outcome
from callback.domain.errors import NotFound, Stale
from callback.domain.ids import AttemptId, CallbackId, CallSid, QueueKey
from callback.ports import Tried

_BY_ID = select(attempts).where(attempts.c.id == bindparam("b_id"))
_BY_CALLBACK = select(attempts).where(attempts.c.callback == bindparam("b_callback")).order_by(attempts.c.number)
_SAVE = update(attempts).where(attempts.c.id == bindparam("b_id"))
_LEG = select(legs).where(legs.c.call == bindparam("b_call"))
_OPEN_LEGS = (
    select(legs)
    .where(legs.c.ended_at.is_(None), legs.c.created_at < bindparam("b_before"), not_held("call", legs.c.call))
    .order_by(legs.c.created_at)
    .limit(bindparam("b_limit"))
)


_SINCE: Any = bindparam("b_since", type_=Instant)
# An OR of two whole conditions, so that both dialects look up each of them in one index.
_LATELY = or_(
    and_(callbacks.c.number_hash == bindparam("b_hash"), callbacks.c.ended_at.is_(None)),
    and_(callbacks.c.number_hash == bindparam("b_hash"), callbacks.c.ended_at >= _SINCE),
)
_OF_CALLBACKS = callbacks.join(attempts, attempts.c.callback == callbacks.c.id)
_LATELY_TRIED = (
    select(callbacks.c.queue.label("for_queue"), callbacks.c.ended_at.label("closed_at"), attempts)
    .select_from(_OF_CALLBACKS)
    # In one word, so that PostgreSQL does not read all attempts for the few that such a condition seems to leave.
    .where(_LATELY, func.coalesce(attempts.c.ended_at, _SINCE) >= _SINCE)
)
_CALLS_TO = (
    select(attempts.c.call, attempts.c.id).select_from(_OF_CALLBACKS).where(_LATELY, attempts.c.call.is_not(None))
)


class Calls(Counted, Damage):
    """The verbs on attempts and legs, and on how many of them there were."""

    def __init__(self, connection: Connection, sealer: Sealer) -> None:
        super().__init__(connection, sealer)
        self._attempts: dict[AttemptId, Attempt] = {}

    def add_attempt(self, attempt: Attempt) -> Attempt:
        """Raises Stale when the callback has an attempt of this number already: another worker was first."""
        if self._insert_new(attempts, plain_values(attempt, ())):
            return self._keep(attempt)
        raise Stale(f"callback {attempt.callback} has an attempt {attempt.number} already")

    def attempt(self, id: AttemptId) -> Attempt:
        """Raises NotFound."""
        found = self._one_row(_BY_ID, {"b_id": id}, _attempt)
        if found is None:
            raise NotFound(f"there is no attempt {id}")
        return self._keep(found)

    def save_attempt(self, attempt: Attempt) -> Attempt:
        """Writes what differs from how this transaction read it, so that two webhooks at once, one telling the call and
        one the outcome, do not undo each other. Raises NotFound."""
        values = plain_values(attempt, ("id",))
        read = self._attempts.get(attempt.id)
        if read is not None:
            values = {name: value for name, value in values.items() if value != getattr(read, name)}
        if values and self._sql.execute(_SAVE, values | {"b_id": attempt.id}).rowcount == 0:
            raise NotFound(f"there is no attempt {attempt.id}")
        return self._keep(attempt)

    def _keep(self, attempt: Attempt) -> Attempt:
        self._attempts[attempt.id] = attempt
        return attempt

    def attempts(self, callback: CallbackId) -> list[Attempt]:
        """In the order they were made."""
        return [self._keep(_attempt(row)) for row in self._sql.execute(_BY_CALLBACK, {"b_callback": callback})]

    def may_still_ring(self, number: str, outcomes: Container[Outcome], *, since: datetime) -> list[Tried]:
        values = {"b_hash": self._sealer.number_hash(number), "b_since": since}
        rows = self._sql.execute(_LATELY_TRIED, values)
        return [Tried(QueueKey(row.for_queue), _attempt(row)) for row in rows if _may_ring(row, outcomes)]

    def calls_to(self, number: str, *, since: datetime) -> dict[CallSid, AttemptId]:
        rows = self._sql.execute(_CALLS_TO, {"b_hash": self._sealer.number_hash(number), "b_since": since})
        return {CallSid(row.call): AttemptId(row.id) for row in rows}

    def put_leg(self, leg: Leg) -> Leg:
        self._upsert(legs, _leg_values(leg, self._sealer))
        return leg

    def leg(self, call: CallSid) -> Leg | None:
        return self._one_row(_LEG, {"b_call": call}, self._leg)

    def leg_without_number(self, call: CallSid) -> Leg | None:
        """Opens no seal. Raises Unreadable where more than the number is damaged."""
        return self._one_row(_LEG, {"b_call": call}, _unnumbered)

    def open_legs(self, *, before: datetime, limit: int = 200) -> list[Leg]:
        """Oldest first."""
        rows = self._fetch(_OPEN_LEGS, legs.c.call, {"b_before": before, "b_limit": limit})
        return list(self._readable("call", rows, self._leg, "call"))

    def _leg(self, row: Row[Any]) -> Leg:
        return _leg(row, self._sealer)

    def first_sight(self, call: CallSid, event: str, sequence: str, at: datetime) -> bool:
        return self._insert_new(carrier_events, {"call": call, "event": event, "sequence": sequence, "at": at})


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(**plain_row(Attempt, row, ()))


def _may_ring(row: Row[Any], outcomes: Container[Outcome]) -> bool:
    never_closed = row.outcome is None and row.asked_at is not None and row.closed_at is not None
    return never_closed or row.outcome in outcomes


def _leg_values(leg: Leg, sealer: Sealer) -> dict[str, Any]:
    return plain_values(leg, ("number",)) | {
        "number": sealer.seal(leg.number, f"legs.number:{leg.call}") if leg.number else None,
        "number_hash": sealer.number_hash(leg.number) if leg.number else None,
    }


def _leg(row: Row[Any], sealer: Sealer) -> Leg:
    number = sealer.open(row.number, f"legs.number:{row.call}") if row.number else ""
    return replace(_unnumbered(row), number=number)


def _unnumbered(row: Row[Any]) -> Leg:
    return Leg(**plain_row(Leg, row, ("number",)), number="")
