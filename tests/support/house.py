"""A whole house in one process, with time in the test's hand: real line, real record, real doors, and a telephone.

Only the carrier and the broker are fakes, and tests say what they do. Every request is signed; `legs` obey the
documents they are given, and `steps` counts what the process does, so that a test can end it after any of it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import pytest

from callback.adapters.line.board import RedisBoard
from callback.adapters.line.client import make_client
from callback.adapters.line.once import RedisOnce
from callback.adapters.line.redis_line import RedisLine
from callback.adapters.line.said import RedisSaid
from callback.adapters.store.sql_store import SqlStore
from callback.adapters.telephony.texts import CatalogueWords
from callback.adapters.telephony.urls import PublicUrls
from callback.domain.audit import DOUBT, Audit
from callback.domain.callback import Attempt, Callback, Entry, Served, Source
from callback.domain.ids import AgentKey, CallSid, EntryId, QueueKey, Token
from callback.domain.lifecycle import AgentStatus, State
from callback.emulator.signature import sign
from callback.flows import condition, configure, enrol, persist, presence, stand_again, sweep
from callback.flows.book import LineBook
from callback.ports import House, Knobs, Line, Reservation, Standing, Store
from callback.web import condition as condition_of_the_web
from callback.web import context, voice
from callback.web.app import create_app
from callback.web.application import Application
from callback.web.lane import Lane
from callback.web.options import WebOptions
from callback.web.webhooks import Check
from tests.fakes.carrier import FakeCarrier
from tests.fakes.dispatch import Order, RecordingDispatch
from tests.support.clock import ManualClock
from tests.support.legs import Leg, Word
from tests.support.record import SECRET, postgres_record, sqlite_record
from tests.support.steps import READING, Steps, Watched, WatchedStore

BASE = "http://callback.test"
ACCOUNT = "AC" + "7" * 32
CARRIER_TOKEN = "the carrier's secret of the tests"
OWN = "+12015550100"
ADA = "+12015550123"
SUPPORT = QueueKey("support")


IDLE = sweep.Swept(0, 0, 0, 0, 0)
QUIET, STRIDE_S = 3, 5
"""After so many sweeps that found nothing, the next comes after so many seconds instead of one."""
_FREE: list[Application] = []
"""Applications whose house is gone: hanging the doors takes as long as a whole test, so the next house takes them."""


def application(house: House, options: WebOptions) -> Application:
    """The doors of a house, as new. All staged houses have the same options.

    The time here is the test's: no webhook is given up because this machine is busy for a second.
    """
    app = _FREE.pop() if _FREE else cast(Application, create_app(house, options))
    app.extensions[context.HOUSE] = house
    app.lane = Lane(house, Check(options), voice.answered)
    condition_of_the_web.install(app)
    app.testing = True
    return app


def nobody_comes_meanwhile(_: float) -> None:
    """What waiting is on a stage of one thread, whose clock stands."""


class StagedHouse:
    """A house, its doors, and everybody who calls."""

    account, own = ACCOUNT, OWN

    def __init__(
        self,
        redis_url: str,
        store: SqlStore,
        clock: ManualClock,
        *,
        pause: Callable[[float], object] = nobody_comes_meanwhile,
        answers_s: float = 10,
        **knobs: Any,
    ) -> None:
        self.clock = clock
        self.steps = Steps()
        self.redis = make_client(redis_url, timeout_s=answers_s)
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
            book=LineBook(self.line, clock, record=store, lost=self.dispatch.rebuild),
            knobs=Knobs(**{"calls_per_second": 1000, "gone_s": 1e6, **knobs}),
            board=RedisBoard(self.redis, clock, every_s=0),
            said=RedisSaid(self.redis, every_s=None),
            pause=cast(Any, pause),
        )
        options = WebOptions(
            secret_key=SECRET, public_base_url=BASE, carrier_account=ACCOUNT, carrier_token=CARRIER_TOKEN
        )
        self.app = application(self.house, options)
        self.client = self.app.test_client()
        self.legs: dict[CallSid, Leg] = {}
        self._line_lost = False
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
        configure.put_agent(
            self.house, AgentKey(key), name=key.title(), contact=f"client:{key}", queues=served, by="test"
        )
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

    def sweep(self) -> bool:
        """One round of the sweep, and the work that follows. Whether there was any."""
        with condition.round_of_the_sweep(self.house):
            swept = sweep.sweep(self.house)
        return self.work() > 0 or swept != IDLE

    def pass_time(self, seconds: int, *, every: Callable[[], None] | None = None) -> None:
        """Time passes second by second, as beat ticks; with longer strides while nothing is done for a while."""
        left, quiet = seconds, 0
        while left:
            stride = 1 if every is not None or quiet < QUIET else min(STRIDE_S, left)
            left -= stride
            quiet = 0 if self.stride(stride) else quiet + 1
            if every is not None:
                every()

    def stride(self, seconds: int) -> bool:
        """Time passes, and beat ticks at the end of it. Whether there was anything to do."""
        before = self._minute_quarters()
        self.clock.advance(seconds)
        busy = self.sweep()
        if self._minute_quarters() == before:
            return busy
        stand_again.stand_again(self.house)
        return self.work() > 0 or busy

    def _minute_quarters(self) -> int:
        return round(self.clock.now().timestamp()) // 15

    def lose_line(self, keys: str = "*") -> None:
        """Redis loses these keys, and nobody notices."""
        self._line_lost = True
        self.redis.delete(*cast(list[str], self.redis.keys(keys)))

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
        """Every invariant that the journal can prove or refute holds. Raises AssertionError."""
        self.steps.restart()
        self.steps.away = frozenset()
        audit = Audit()
        for entry in self.journal():
            audit.feed(entry)
        if self._line_lost:
            audit.findings.rebuilding(self.clock.now())  # the test ended before anybody did it
        found = audit.finish(self.clock.now() + 2 * DOUBT)
        assert found.breaches == [], "\n".join(f"{breach.kind}: {breach.text}" for breach in found.breaches)


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
            _FREE.append(staged.app)


on_both = pytest.mark.parametrize("staged", ["sqlite", "postgresql"], indirect=True)
"""For a test whose subject is what is committed, and when: it runs on both kinds of database."""


def fields_of(url: str) -> dict[str, str]:
    """The query of one of our URLs."""
    return dict(parse_qsl(urlsplit(url).query))
