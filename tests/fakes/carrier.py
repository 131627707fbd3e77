"""The carrier in memory: it records what it is asked, and does to calls and answers what a test says.

It means the same as the real adapter: the contract suite runs on both. A call is created `queued`; the test lets it
ring, be answered and end. Refusals and lost answers are queued up by `fail_next` and used one by one.
"""

import itertools
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime

from callback.domain.ids import CallSid
from callback.ports import CarrierCall, CarrierError, Clock, LegGone, NewCall, NumberUndialable, StillGoing

ENDED = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


@dataclass(frozen=True)
class SentText:
    """A text the carrier took."""

    sid: str
    to: str
    from_: str
    body: str
    status_url: str


@dataclass
class FakeCarrier:
    """`ports.Carrier` without a network.

    Attributes:
        created: every call that was really created, in order, with its sid.
        texts: every text that was taken.
        redirected: (call, url) of every redirect that worked.
        hung_up: every call that was asked to end.
        undialable: numbers that are refused, each with the carrier's error code.
        opted_out: numbers that want no texts.
        breaks_at: numbers and calls over which our own client breaks, by a defect.
        refuse_redirects: what every redirect fails with, none of them done.
    """

    clock: Clock
    created: list[tuple[CallSid, NewCall]] = field(default_factory=list)
    texts: list[SentText] = field(default_factory=list)
    redirected: list[tuple[CallSid, str]] = field(default_factory=list)
    hung_up: list[CallSid] = field(default_factory=list)
    undialable: dict[str, int] = field(default_factory=dict)
    opted_out: set[str] = field(default_factory=set)
    breaks_at: set[str] = field(default_factory=set)
    refuse_redirects: CarrierError | None = None
    _calls: dict[CallSid, CarrierCall] = field(default_factory=dict)
    _failures: deque[tuple[CarrierError, bool]] = field(default_factory=deque)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    # --- what a test does -------------------------------------------------------------------------------------

    def fail_next(self, error: CarrierError, *, accepted: bool = False) -> None:
        """The next creation or text fails like this. `accepted`: it happens all the same, only the answer is lost."""
        self._failures.append((error, accepted))

    def relent(self) -> None:
        """Fail no more than it already has."""
        self._failures.clear()

    def receive(self, *, to: str, from_: str) -> CallSid:
        """A call comes in and is answered."""
        sid = self._add(to, from_)
        self.answer(sid)
        return sid

    def ring(self, call: CallSid) -> None:
        """The call leaves the carrier's queue and rings."""
        self._change(call, status="ringing", started_at=self.clock.now())

    def answer(self, call: CallSid, answered_by: str = "") -> None:
        """Somebody or something picks up."""
        started = self._calls[call].started_at or self.clock.now()
        self._change(call, status="in-progress", started_at=started, answered_by=answered_by)

    def end(self, call: CallSid, status: str = "completed") -> None:
        """The call is over, with one of the carrier's last words."""
        now = self.clock.now()
        talked = int((now - (self._calls[call].started_at or now)).total_seconds())
        self._change(call, status=status, ended_at=now, duration_s=talked if status == "completed" else 0)

    # --- the port ---------------------------------------------------------------------------------------------

    def create_call(self, call: NewCall) -> CallSid:
        self._break_at(call.to)
        if call.to in self.undialable:
            raise NumberUndialable("not dialled", self.undialable[call.to])
        failure, accepted = self._failures.popleft() if self._failures else (None, True)
        sid = self._add(call.to, call.from_) if accepted else CallSid("")
        if accepted:
            self.created.append((sid, call))
        if failure is not None:
            raise failure
        return sid

    def redirect(self, call: CallSid, url: str) -> None:
        self._break_at(call)
        if self.refuse_redirects is not None:
            raise self.refuse_redirects
        found = self._calls.get(call)
        if found is None:
            raise LegGone("no such call", 20404)
        if found.status != "in-progress":
            raise LegGone("not in progress", 21220)
        self.redirected.append((call, url))

    def hang_up(self, call: CallSid) -> None:
        self.hung_up.append(call)
        found = self._calls.get(call)
        if found is not None and found.status not in ENDED:
            self.end(call, "completed" if found.status == "in-progress" else "canceled")

    def fetch(self, call: CallSid) -> CarrierCall | None:
        self._break_at(call)
        return self._calls.get(call)

    def calls(self, *, to: str, from_: str, since: datetime) -> list[CarrierCall]:
        found = [call for call in self._calls.values() if (call.to, call.from_) == (to, from_)]
        return [call for call in reversed(found) if call.created_at is None or call.created_at >= _second(since)]

    def send_text(self, *, to: str, from_: str, body: str, status_url: str) -> str:
        self._break_at(to)
        if to in self.opted_out:
            raise NumberUndialable("opted out", 21610)
        failure, accepted = self._failures.popleft() if self._failures else (None, True)
        sid = f"SM{next(self._numbers):032x}"
        if accepted:
            self.texts.append(SentText(sid, to, from_, body, status_url))
        if failure is not None:
            raise failure
        return sid

    def records_of(self, number: str) -> list[str]:
        self._fail()
        calls = [str(sid) for sid, call in self._calls.items() if number in (call.to, call.from_)]
        return calls + [text.sid for text in self.texts if number in (text.to, text.from_)]

    def delete_record(self, sid: str) -> None:
        self._fail()
        call = self._calls.get(CallSid(sid))
        if call is not None and call.status not in ENDED:
            raise StillGoing("in progress", 20009)
        self._calls.pop(CallSid(sid), None)
        self.texts[:] = [text for text in self.texts if text.sid != sid]

    def _fail(self) -> None:
        if self._failures:
            raise self._failures.popleft()[0]

    def _break_at(self, number: str) -> None:
        if number in self.breaks_at:
            raise RuntimeError(f"a defect over {number} of 'Ada Lovelace'")

    # --- the record -------------------------------------------------------------------------------------------

    def _add(self, to: str, from_: str) -> CallSid:
        sid = CallSid(f"CA{next(self._numbers):032x}")
        created = _second(self.clock.now())
        self._calls[sid] = CarrierCall(sid, to, from_, "queued", created, None, None, None)
        return sid

    def _change(self, call: CallSid, **changes: object) -> None:
        self._calls[call] = replace(self._calls[call], **changes)  # type: ignore[arg-type]


def _second(moment: datetime) -> datetime:
    """The carrier tells times in whole seconds."""
    return moment.replace(microsecond=0)
