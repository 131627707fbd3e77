"""A whole house in one process, with time in the test's hand: real line, real record, real doors, and a telephone.

Legs follow the documents they are given as the carrier would: every document is read by the strict emulator's grammar,
every request is signed, and what a leg's end reports comes as a list, so that a test can lose, repeat or reorder it.
Every step that leaves the process is counted, so that a test can end the process after any of them.
"""

import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import pytest
import redis

from callback.adapters.line.client import make_client
from callback.adapters.line.once import RedisOnce
from callback.adapters.line.redis_line import RedisLine
from callback.adapters.store.errors import StoreUnavailable
from callback.adapters.store.sql_store import SqlStore
from callback.adapters.telephony.texts import CatalogueWords
from callback.adapters.telephony.urls import PublicUrls
from callback.domain.callback import Attempt, Callback, Entry, Served, Source
from callback.domain.ids import AgentKey, CallbackId, CallSid, EntryId, QueueKey, Token
from callback.domain.lifecycle import AGENT_MOVES, MOVES, AgentStatus, State
from callback.emulator import twiml
from callback.emulator.signature import sign
from callback.emulator.twiml import Mode, Verb
from callback.flows import configure, enrol, persist, presence, sweep
from callback.flows.book import LineBook
from callback.ports import House, Knobs, Line, Reservation, Standing, Store, Work
from callback.web.app import create_app
from callback.web.options import WebOptions
from tests.fakes.carrier import FakeCarrier
from tests.fakes.dispatch import Order, RecordingDispatch
from tests.support.clock import ManualClock
from tests.support.record import SECRET, postgres_record, sqlite_record

BASE = "http://callback.test"
ACCOUNT = "AC" + "7" * 32
CARRIER_TOKEN = "the carrier's secret of the tests"
OWN = "+12015550100"
ADA = "+12015550123"
SUPPORT = QueueKey("support")
LEGAL = {(before, after) for (before, _), after in MOVES.items()}
READING = frozenset(
    {"standing", "reservation", "configuration", "agent", "agents", "listing", "drain", "silent", "lapsed", "forget"}
)
"""Verbs of the line after which a crash is the same as before them."""
Word = tuple[str, dict[str, str]]
"""One report of the carrier: its URL and what it says."""


# --- every step counted -----------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process ended here."""


@dataclass
class Steps:
    """What a process has done so far that others can see.

    Attributes:
        done: the steps by name.
        kill_after: the process ends after so many steps (0: never).
        fail_commit: raised by the next commit, which then has not happened.
        between: called after each step with its name; what it does happens before the process goes on.
        away: ports that cannot be reached: "line", "store".
    """

    _beside: bool = field(default=False, init=False)

    done: list[str] = field(default_factory=list)
    kill_after: int = 0
    fail_commit: BaseException | None = None
    between: Callable[[str], object] | None = None
    away: frozenset[str] = frozenset()

    def reach(self, port: str) -> None:
        """Raises StoreUnavailable or redis.ConnectionError where a port is away."""
        if port in self.away:
            raise StoreUnavailable("away") if port == "store" else redis.ConnectionError("away")

    def step(self, name: str) -> None:
        """Something was done."""
        self.done.append(name)
        if self.kill_after and len(self.done) == self.kill_after:
            raise Killed(name)
        if self.between is not None and not self._beside:
            self._beside = True
            self.between(name)
            self._beside = False

    def restart(self, kill_after: int = 0) -> None:
        """A new process."""
        self.done.clear()
        self.kill_after = kill_after


class Watched:
    """A port whose verbs are counted."""

    def __init__(self, port: object, name: str, steps: Steps, quiet: frozenset[str] = frozenset()) -> None:
        self._port, self._name, self._steps, self._quiet = port, name, steps, quiet

    def __getattr__(self, verb: str) -> Any:
        found = getattr(self._port, verb)

        def watched(*args: Any, **named: Any) -> Any:
            self._steps.reach(self._name)
            answer = found(*args, **named)
            if verb not in self._quiet:
                self._steps.step(f"{self._name}.{verb}")
            return answer

        return watched


class WatchedStore:
    """`ports.Store` whose commits are counted, and fail when told to."""

    def __init__(self, store: SqlStore, steps: Steps) -> None:
        self._store, self._steps = store, steps

    def begin(self) -> AbstractContextManager[Work]:
        """As the real one."""
        return _Block(self._store.begin(), self._steps)

    def number_hash(self, number: str) -> str:
        """As the real one."""
        return self._store.number_hash(number)

    def conceal(self, number: str) -> str:
        """As the real one."""
        return self._store.conceal(number)

    def reveal(self, concealed: str) -> str:
        """As the real one."""
        return self._store.reveal(concealed)

    def ping(self) -> None:
        """As the real one."""
        self._store.ping()


class _Block(AbstractContextManager[Work]):
    def __init__(self, inner: AbstractContextManager[Work], steps: Steps) -> None:
        self._inner, self._steps = inner, steps

    def __enter__(self) -> Work:
        self._steps.reach("store")
        return self._inner.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        fault, self._steps.fail_commit = self._steps.fail_commit, None
        if fault is not None and error is None:
            self._inner.__exit__(type(fault), fault, None)
            raise fault
        self._inner.__exit__(kind, error, at)
        if error is None:
            self._steps.step("commit")


# --- documents and legs -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Document:
    """What a leg was told to do."""

    text: str
    verbs: tuple[Verb, ...]

    @property
    def names(self) -> list[str]:
        """The verbs, in order."""
        return [verb.name for verb in self.verbs]

    @property
    def says(self) -> str:
        """Everything spoken, also while keys are taken."""
        return " ".join(verb.text for verb in self._all(self.verbs) if verb.name == "Say")

    @property
    def language(self) -> str:
        """Of the first sentence."""
        return next(verb.get("language") for verb in self._all(self.verbs) if verb.name == "Say")

    def verb(self, name: str) -> Verb | None:
        """The first of that name."""
        return next((verb for verb in self.verbs if verb.name == name), None)

    def only(self, name: str) -> Verb:
        """The one of that name, which must be there."""
        found = self.verb(name)
        assert found is not None, f"no <{name}> in {self.text}"
        return found

    def _all(self, verbs: tuple[Verb, ...]) -> Iterator[Verb]:
        for verb in verbs:
            yield verb
            yield from self._all(verb.children)


@dataclass(eq=False)
class Leg:
    """One leg at the carrier. It does what its documents say; a test presses keys, holds and hangs up."""

    stage: "StagedHouse"
    sid: CallSid
    from_: str
    to: str
    direction: str = "inbound"
    status_url: str = ""
    url: str = ""
    status: str = "in-progress"
    document: Document = field(default_factory=lambda: Document("", ()))
    heard: list[str] = field(default_factory=list)
    queue: Verb | None = None
    dial: Verb | None = None
    peer: "Leg | None" = None
    laps: int = 0

    @property
    def room(self) -> str:
        """The conference it is in."""
        return (
            self.dial.children[0].text if self.dial is not None and self.dial.children[0].name == "Conference" else ""
        )

    @property
    def up(self) -> bool:
        """Whether it has not ended."""
        return self.status in ("queued", "ringing", "in-progress")

    def form(self, **more: str) -> dict[str, str]:
        """What the carrier tells with every request about this leg."""
        about = {"CallSid": self.sid, "AccountSid": ACCOUNT, "From": self.from_, "To": self.to}
        return {**about, "CallStatus": self.status, "Direction": self.direction, "ApiVersion": "2010-04-01", **more}

    def ask(self, url: str, mode: Mode = Mode.CALL, **more: str) -> Document:
        """Fetch a document and begin to do it."""
        answer = self.stage.post(url, self.form(**more))
        self.document = Document(answer, twiml.parse(answer, mode))
        if self.document.says:
            self.heard.append(self.document.says)
        return self._begin(mode)

    def _begin(self, mode: Mode) -> Document:
        last = self.document.verbs[-1] if self.document.verbs else None
        if mode is Mode.CALL:  # whatever the leg did before is over
            self.queue = self.dial = self.peer = None
        if last is not None and last.name == "Enqueue":
            self.queue = last
        elif last is not None and last.name == "Dial":
            self.dial = last
        elif last is not None and last.name == "Leave":
            return self.leave()
        elif last is not None and last.name == "Redirect":
            return self.ask(last.text, mode)
        elif last is not None and last.name == "Hangup":
            self.hang_up()
        return self.document

    def press(self, digits: str) -> Document:
        """Keys at the question that is being asked; "" is silence."""
        gather = self.document.only("Gather")
        mode = Mode.WAIT if self.queue is not None else Mode.CALL
        return self.ask(gather.get("action"), mode, Digits=digits)

    def silence(self) -> Document:
        """Nothing is pressed."""
        return self.press("")

    def hold(self) -> Document:
        """Listen to the wait document: once more from its beginning."""
        assert self.queue is not None, f"not on hold: {self.document.text}"
        self.laps += 1
        return self.ask(self.queue.get("waitUrl"), Mode.WAIT, QueuePosition="1")

    def leave(self) -> Document:
        """Out of the carrier's queue, by a Leave."""
        assert self.queue is not None
        return self.ask(self.queue.get("action"), QueueResult="leave", QueueTime="10")

    def redirected(self, url: str) -> Document:
        """We told the carrier to go on with another document."""
        if self.queue is not None:
            self.stage.post(self.queue.get("action"), self.form(QueueResult="redirected", QueueTime="10"))
        return self.ask(url)

    # --- an outgoing call -------------------------------------------------------------------------------------

    def ring(self) -> None:
        """It leaves the carrier's queue."""
        self.status = "ringing"
        self.stage.carrier.ring(self.sid)
        self.stage.tell(self.report("ringing"))

    def answer(self, answered_by: str = "") -> Document:
        """Somebody or something picks up: the status callback and the document request."""
        self.status = "in-progress"
        self.stage.carrier.answer(self.sid, answered_by)
        self.stage.tell(self.report("in-progress"))
        return self.ask(self.url, Mode.CALL, **({"AnsweredBy": answered_by} if answered_by else {}))

    def report(self, status: str) -> Word | None:
        """What the status callback says."""
        if not self.status_url:
            return None
        number = {"queued": "0", "initiated": "0", "ringing": "1", "in-progress": "2"}.get(status, "3")
        return self.status_url, self.form(CallStatus=status, SequenceNumber=number)

    def fails(self, status: str) -> None:
        """It ends unanswered: busy, no-answer, failed, canceled."""
        for word in self.end(status):
            self.stage.tell(word)

    # --- the end ----------------------------------------------------------------------------------------------

    def agent(self) -> "Leg":
        """The agent's leg that the Dial of this one makes, ringing."""
        assert self.dial is not None, f"no agent is rung: {self.document.text}"
        noun = self.dial.children[0]
        contact = {"Client": f"client:{noun.text}"}.get(noun.name, noun.text)
        sid = CallSid(f"CA{secrets.token_hex(16)}")
        self.peer = Leg(self.stage, sid, OWN, contact, "outbound-dial", noun.get("statusCallback"), noun.get("url"))
        return self.peer

    @property
    def bridged(self) -> bool:
        """Whether the whisper on this agent's leg ended with an empty document."""
        return bool(self.heard) and self.document.verbs == ()

    def pick_up(self) -> Document:
        """The agent answers and hears the whisper."""
        return self.ask(self.url, Mode.WHISPER)

    def end(self, status: str = "completed") -> list[Word]:
        """The leg is over: what the carrier reports, in its usual order. Nothing is sent yet."""
        if not self.up:
            return []
        self.stage.carrier_ends(self.sid, status)
        self.status = status
        queue, dial, self.queue, self.dial = self.queue, self.dial, None, None
        words: list[Word | None] = []
        if queue is not None:
            words.append((queue.get("action"), self.form(QueueResult="hangup", QueueTime="10")))
        if dial is not None:
            words.append((dial.get("action"), self.form(DialCallStatus="completed")))
        words.append(self.report(status))
        return [word for word in words if word is not None]

    def hang_up(self) -> None:
        """The leg is over, and everybody is told."""
        for word in self.end():
            self.stage.tell(word)

    def dial_ends(self, status: str = "completed") -> Document:
        """The Dial on this leg is over, and the leg is still there."""
        assert self.dial is not None
        return self.ask(self.dial.get("action"), DialCallStatus=status)


# --- the house --------------------------------------------------------------------------------------------------


class StagedHouse:
    """A house, its doors, and everybody who calls."""

    def __init__(self, redis_url: str, store: SqlStore, clock: ManualClock, **knobs: Any) -> None:
        self.clock = clock
        self.steps = Steps()
        self.redis = make_client(redis_url, timeout_s=1)
        self.sql = store
        self.line = RedisLine(self.redis, clock)
        self.carrier = FakeCarrier(clock)
        self.dispatch = RecordingDispatch(clock)
        self.house = House(
            clock=clock,
            line=cast(Line, Watched(self.line, "line", self.steps, READING)),
            store=cast(Store, WatchedStore(store, self.steps)),
            carrier=cast(Any, Watched(self.carrier, "carrier", self.steps, frozenset({"fetch", "calls"}))),
            dispatch=cast(Any, Watched(self.dispatch, "dispatch", self.steps)),
            once=RedisOnce(self.redis, conceal=store.conceal, reveal=store.reveal),
            urls=PublicUrls(BASE),
            words=CatalogueWords(),
            book=LineBook(self.line, clock),
            knobs=Knobs(**{"calls_per_second": 1000, **knobs}),
        )
        options = WebOptions(
            secret_key=SECRET, public_base_url=BASE, carrier_account=ACCOUNT, carrier_token=CARRIER_TOKEN
        )
        self.app = create_app(self.house, options)
        self.app.testing = True
        self.client = self.app.test_client()
        self.legs: dict[CallSid, Leg] = {}
        self._redirects = 0
        self._creations = 0

    # --- who and what there is --------------------------------------------------------------------------------

    def queue(self, key: str = SUPPORT, numbers: tuple[str, ...] = (OWN,), **policy: Any) -> None:
        """A queue that offers to everybody who would wait, unless told otherwise."""
        offering = {"offer_at_wait_s": 0, "stop_offering_at_wait_s": 0}
        configure.put_queue(
            self.house, QueueKey(key), name=key.title(), numbers=numbers, policy={**offering, **policy}, by="test"
        )

    def policy(self, key: str = SUPPORT, **changes: Any) -> None:
        """Another policy from now on."""
        configure.put_policy(self.house, QueueKey(key), changes, by="test")
        self.house.book.check(-1)

    def agent(self, key: str = "ann", *queues: str | tuple[str, int], free: bool = True) -> AgentKey:
        """An agent of these queues (support unless given), who takes calls if `free`."""
        served = [Served(QueueKey(one), 1) if isinstance(one, str) else Served(QueueKey(one[0]), one[1])
                  for one in queues or (SUPPORT,)]  # fmt: skip
        configure.put_agent(self.house, AgentKey(key), name=key.title(), contact=f"client:{key}", queues=served)
        self.house.book.check(-1)
        if free:
            self.available(key)
        return AgentKey(key)

    def available(self, key: str = "ann") -> None:
        """An agent takes calls."""
        presence.set_presence(self.house, AgentKey(key), AgentStatus.AVAILABLE)

    def away(self, key: str = "ann") -> None:
        """An agent takes none."""
        presence.set_presence(self.house, AgentKey(key), AgentStatus.AWAY)

    def status(self, key: str = "ann") -> AgentStatus:
        """What an agent does."""
        return self.line.agent(AgentKey(key)).status

    def promise(self, number: str = ADA, queue: str = SUPPORT, **wish: Any) -> Callback:
        """A callback asked for without a call."""
        made, _ = enrol.request(
            self.house, queue=QueueKey(queue), number=number, source=Source.API, idempotency=None, cause="test", **wish
        )
        self.send_texts()
        return made

    # --- time and work ----------------------------------------------------------------------------------------

    def work(self, order: Order = "given") -> int:
        """The workers do what is due, and the legs what the workers told the carrier."""
        ran = self.dispatch.run_all(self.house, order)
        self.follow()
        return ran

    def send_texts(self) -> None:
        """The workers send the texts, and do nothing else."""
        self.dispatch.run_all(self.house, only="text")

    def follow(self) -> None:
        """Legs that were redirected or ended by us notice it."""
        while self._redirects < len(self.carrier.redirected):
            sid, url = self.carrier.redirected[self._redirects]
            self._redirects += 1
            if sid in self.legs and self.legs[sid].up:
                self.legs[sid].redirected(url)
        for leg in [self.legs[sid] for sid in self.carrier.hung_up if sid in self.legs]:
            if leg.up:
                found = self.carrier.fetch(leg.sid)
                leg.fails(found.status if found is not None else "completed")

    def wait(self, seconds: float) -> None:
        """Time passes, and nobody does anything."""
        self.clock.advance(seconds)

    def sweep(self) -> None:
        """One round of the sweep, and the work that follows."""
        sweep.sweep(self.house)
        self.work()

    def pass_time(self, seconds: int, *, every: Callable[[], None] | None = None) -> None:
        """Time passes second by second, as beat ticks."""
        for _ in range(seconds):
            self.clock.advance(1)
            self.sweep()
            if round(self.clock.now().timestamp()) % 15 == 0:
                sweep.stand_again(self.house)
                self.work()
            if every is not None:
                every()

    # --- the telephone ----------------------------------------------------------------------------------------

    def ring_in(self, number: str = ADA, queue: str = SUPPORT, to: str = OWN, **query: str) -> Leg:
        """Somebody calls us, and hears the first document."""
        leg = self.arriving(number, queue, to)
        more = "".join(f"&{name}={value}" for name, value in query.items())
        leg.ask(f"{BASE}/voice/incoming?queue={queue}{more}")
        return leg

    def arriving(self, number: str = ADA, queue: str = SUPPORT, to: str = OWN) -> Leg:
        """A call that the carrier has answered for us, before any document."""
        sid = self.carrier.receive(to=to, from_=number)
        leg = Leg(self, sid, number, to, status_url=f"{BASE}/voice/inbound/status?queue={queue}")
        self.legs[sid] = leg
        return leg

    def holding(self, number: str = ADA, queue: str = SUPPORT, **query: str) -> Leg:
        """Somebody calls us, stays, and is on hold."""
        leg = self.ring_in(number, queue, **query)
        if leg.document.verb("Gather"):
            leg.press("2")
        leg.hold()
        return leg

    def enrolled(self, number: str = ADA, queue: str = SUPPORT) -> Callback:
        """Somebody calls us, takes the offer and hangs up."""
        leg = self.ring_in(number, queue)
        leg.press("1")
        leg.press("1")
        self.send_texts()
        return self.by_number(number, queue)

    def outgoing(self) -> Leg:
        """The next call that we asked the carrier for."""
        assert self._creations < len(self.carrier.created), "nobody was called"
        sid, call = self.carrier.created[self._creations]
        self._creations += 1
        leg = Leg(self, sid, call.from_, call.to, "outbound-api", call.status_url, call.url, "queued")
        self.legs[sid] = leg
        return leg

    @property
    def unseen(self) -> int:
        """How many calls were asked for that no test has looked at."""
        return len(self.carrier.created) - self._creations

    def called(self, number: str = ADA, **policy: Any) -> Leg:
        """A promise whose phone rings for the free agent `ann`."""
        self.queue(**policy)
        self.agent(free=False)
        self.promise(number)
        self.available()
        self.work()
        leg = self.outgoing()
        leg.ring()
        return leg

    def talking(self, leg: Leg) -> Leg:
        """The agent whom this leg rings takes the call: their leg."""
        agent = leg.agent()
        agent.pick_up()
        assert agent.press("1").verbs == ()
        return agent

    def post(self, url: str, form: Mapping[str, str], signature: str | None = None) -> str:
        """A signed request of the carrier; the body of the answer."""
        answer = self.request(url, form, sign(CARRIER_TOKEN, url, form) if signature is None else signature)
        assert answer.status_code in (200, 204), f"{answer.status_code}: {answer.get_data(as_text=True)}"
        return str(answer.get_data(as_text=True))

    def request(self, url: str, form: Mapping[str, str], signature: str | None) -> Any:
        """Any request to a webhook."""
        parts = urlsplit(url)
        headers = {} if signature is None else {"X-Twilio-Signature": signature}
        return self.client.post(f"{parts.path}?{parts.query}", data=dict(form), headers=headers, base_url=BASE)

    def tell(self, word: Word | None) -> None:
        """Deliver one report."""
        if word is not None:
            self.post(*word)

    def carrier_ends(self, sid: CallSid, status: str) -> None:
        """The carrier's own record of the end."""
        found = self.carrier.fetch(sid)
        if found is not None and found.status in ("queued", "ringing", "in-progress"):
            self.carrier.end(sid, status)

    # --- what came of it --------------------------------------------------------------------------------------

    def by_number(self, number: str = ADA, queue: str = SUPPORT) -> Callback:
        """The newest callback of a number."""
        with self.sql.begin() as work:
            return cast(Callback, work.callbacks(queue=QueueKey(queue), number=number).items[0])

    def callbacks(self) -> list[Callback]:
        """Every callback, newest first."""
        with self.sql.begin() as work:
            return list(work.callbacks().items)

    def now(self, callback: Callback) -> Callback:
        """As the record has it now."""
        with self.sql.begin() as work:
            return work.callback(callback.id)

    def state(self, callback: Callback) -> State:
        """As the record has it now."""
        return self.now(callback).state

    def attempts(self, callback: Callback) -> list[Attempt]:
        """In the order they were made."""
        with self.sql.begin() as work:
            return work.attempts(callback.id)

    def place(self, entry: str, queue: str = SUPPORT) -> str:
        """Where somebody is in the line."""
        return self.standing(entry, queue).place

    def standing(self, entry: str, queue: str = SUPPORT) -> Standing:
        """Where somebody is in the line, and how far."""
        return self.line.standing(QueueKey(queue), EntryId(entry))

    def pairing(self, key: str = "ann") -> Reservation:
        """The one an agent is in."""
        token = self.line.agent(AgentKey(key)).token
        assert token is not None, f"{key} is in no pairing"
        found = self.line.reservation(Token(token))
        assert found is not None
        return found

    def order(self, queue: str = SUPPORT) -> list[str]:
        """Who stands in line, first to last."""
        return [waiting.entry for waiting in self.line.listing(QueueKey(queue))]

    def journal(self, subject: str | None = None, kind: str | None = None) -> list[Entry]:
        """What was written down, in order, all of it."""
        persist.persist(self.house)
        found: list[Entry] = []
        while True:
            with self.sql.begin() as work:
                page = work.journal(after=found[-1].seq if found else 0, limit=500, kind=kind, subject=subject)
            if not page:
                return found
            found += page

    def path(self, subject: str) -> list[str]:
        """The states that somebody went through."""
        return [entry.after for entry in self.journal(subject)]

    def texts(self) -> list[str]:
        """What the carrier was given to deliver."""
        return [text.body for text in self.carrier.texts]

    def check_journal(self) -> None:
        """Every move is legal and begins where the one before ended. Raises AssertionError."""
        self.steps.restart()
        self.steps.away = frozenset()
        for subject, moves in chains(self.journal()).items():
            for earlier, later in zip([None, *moves], moves, strict=False):
                check_move(subject, earlier, later)


def chains(entries: list[Entry]) -> dict[tuple[str, str], list[Entry]]:
    """The journal by whom it is about."""
    found: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.kind in ("callback", "agent", "call"):
            found[(entry.kind, entry.subject)].append(entry)
    return found


def check_move(subject: tuple[str, str], earlier: Entry | None, later: Entry) -> None:
    """Raises AssertionError for an illegal move, or a gap."""
    kind = subject[0]
    moved = (later.before, later.after)
    told = f"{subject} from {moved[0]} to {moved[1]} ({later.reason})"
    if kind == "callback":
        assert later.before == (earlier.after if earlier else None), f"a gap before {told}"
        assert (None if moved[0] is None else State(moved[0]), State(moved[1])) in LEGAL, f"illegal: {told}"
    elif later.before is not None:
        assert earlier is None or earlier.after == later.before, f"a gap before {told}"
        if kind == "agent":
            assert (AgentStatus(str(moved[0])), AgentStatus(moved[1])) in AGENT_MOVES, f"illegal: {told}"


@contextmanager
def stage(
    request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, clock: ManualClock, **knobs: Any
) -> Iterator[StagedHouse]:
    """A staged house, on SQLite unless `on_both` says otherwise; its journal is checked at the end."""
    if getattr(request, "param", "sqlite") == "postgresql":
        record = postgres_record(request.getfixturevalue("postgres_server"))
    else:
        record = sqlite_record(tmp_path)
    with record as store:
        staged = StagedHouse(redis_url, store, clock, **knobs)
        try:
            yield staged
            staged.check_journal()
        finally:
            staged.redis.close()


on_both = pytest.mark.parametrize("staged", ["sqlite", "postgresql"], indirect=True)
"""For a test whose subject is what is committed, and when: it runs on both kinds of database."""


def fields_of(url: str) -> dict[str, str]:
    """The query of one of our URLs."""
    return dict(parse_qsl(urlsplit(url).query))


# --- people who answer ------------------------------------------------------------------------------------------


@dataclass
class Town:
    """Everybody answers, presses 1, talks for a while and hangs up: what the world does while we mend ourselves.

    Attributes:
        talks: how many conversations each number had.
        rung: how many calls each number was asked for.
    """

    stage: StagedHouse
    talk_s: float = 12
    talks: Counter[str] = field(default_factory=Counter)
    rung: Counter[str] = field(default_factory=Counter)
    _since: dict[CallSid, float] = field(default_factory=dict)

    def live(self, seconds: int, *, until: Callable[[], bool] = lambda: False) -> None:
        """So many seconds, with a sweep in each, or as long as it takes."""
        for _ in range(seconds):
            if until():
                return
            self.stage.pass_time(1, every=self.second)

    def second(self) -> None:
        """Everybody does the next thing; who missed a ring comes back."""
        for view in self.stage.line.agents():
            if view.status is AgentStatus.AWAY:
                self.stage.available(view.key)
        while self.stage.unseen:
            leg = self.stage.outgoing()
            self.rung[leg.to] += 1
        for leg in list(self.stage.legs.values()):
            if leg.up:
                self._act(leg)
        self.stage.work()

    def _act(self, leg: Leg) -> None:
        if leg.status == "queued":
            leg.ring()
        elif leg.status == "ringing":
            leg.answer()
        elif leg.queue is not None:
            leg.hold()
        elif leg.room:
            self._confer(leg)
        elif leg.dial is not None:
            self._meet(leg, leg.peer or leg.agent())
        elif leg.document.verb("Gather"):
            leg.press("1")
        else:
            leg.hang_up()  # silence

    def _meet(self, leg: Leg, agent: Leg) -> None:
        if agent.bridged:
            self._talk(leg, agent)
        elif not agent.heard:
            agent.pick_up()
        elif agent.up:
            agent.press("1")
        else:
            leg.dial_ends("no-answer")

    def _confer(self, agent: Leg) -> None:
        """The agent was rung first; the caller joins them, talks, and leaves, which ends the conference."""
        others = [leg for leg in self.stage.legs.values() if leg.up and leg is not agent and leg.room == agent.room]
        if not agent.to.startswith("client:") or not others:
            return
        self._talk(others[0], agent)
        if not others[0].up and agent.up:
            agent.dial_ends()

    def _talk(self, leg: Leg, agent: Leg) -> None:
        now = self.stage.clock.now().timestamp()
        if agent.sid not in self._since:
            self._since[agent.sid] = now
            self.talks[leg.from_ if leg.direction == "inbound" else leg.to] += 1
        if now - self._since[agent.sid] >= self.talk_s:
            for word in [*leg.end(), *([] if agent.room else agent.end())]:
                self.stage.tell(word)


def ids(callbacks: list[Callback]) -> list[CallbackId]:
    """Of these."""
    return [callback.id for callback in callbacks]
