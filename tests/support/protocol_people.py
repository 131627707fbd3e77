"""Everybody and everything around a staged house, one step at a time, in any order: the world of the protocol's model.

People, agents and the carrier do what their documents allow; reports lie in a sack until somebody delivers them; tasks
are run, run twice or lost; the house itself may die after any step it takes. `choices` says what could happen now, so
that a model draws one of it. Nothing here decides what is right: `protocol_witness` does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

import redis

from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Callback, Source
from callback.domain.errors import AlreadyBridged, DuplicateOpen, InvalidInput, NotAccepting, Stale
from callback.domain.ids import AgentKey, CallSid, QueueKey
from callback.domain.lifecycle import AgentStatus, State
from callback.emulator import twiml
from callback.emulator.twiml import Mode
from callback.flows import cancel, enrol, epoch, persist, presence, stand_again, sweep
from callback.ports import CarrierBusy, CarrierError, OutcomeUnknown
from tests.fakes.carrier import ENDED
from tests.fakes.dispatch import Task, run
from tests.support.clock import ManualClock
from tests.support.house import BASE, StagedHouse
from tests.support.legs import Document, Leg, Word
from tests.support.protocol_witness import Witness
from tests.support.steps import Killed

NUMBERS = ("+12015550123", "+12015550124")
QUEUES = ("support", "sales")
AGENTS = ("ann", "bea")
KNOBS = {"lease_s": 3, "carrier_queue_s": 5, "reconcile_margin_s": 2}
POLICY: dict[str, Any] = {"retry_delays_s": [1, 4], "wrap_up_s": 1, "ring_timeout_s": 5, "cut_off_s": 3, "attempts": 3}
RING_S, QUEUED_S, KEYS_S, LAP_S, TALK_S, ALONE_S, REDIAL_S = 5, 3, 8, 25, 30, 12, 2
"""What the carrier and people take at most: a phone rings no longer, a question is not answered later, …"""
MODES = {"wait": Mode.WAIT, "held": Mode.WAIT, "agent/whisper": Mode.WHISPER, "agent/key": Mode.WHISPER}
TOLERATED = (Stale, ConnectionError, redis.ConnectionError, CarrierError)
"""What a task or a report may end with: it is simply not done, and found by others."""

Act = Callable[[], object]
Choice = tuple[str, Act]


class Unheard(Exception):
    """A report that we could not take: the carrier does not repeat it."""


PATIENT_S = 30.0
"""Among thousands of steps on a crowded machine one may stand still for a second or two, which is nobody's fault."""


class RoughHouse(StagedHouse):
    """A staged house whose reports wait in a sack, and whose documents may be asked for again."""

    def __init__(self, redis_url: str, store: SqlStore, clock: ManualClock) -> None:
        super().__init__(redis_url, store, clock, pause=clock.advance, answers_s=PATIENT_S, **KNOBS)
        self.raw = redis.Redis.from_url(redis_url)
        self.sack: list[Word] = []
        self.requests: list[Word] = []

    def tell(self, word: Word | None) -> None:
        """Into the sack."""
        if word is not None:
            self.sack.append(word)

    def post(self, url: str, form: Mapping[str, str], signature: str | None = None) -> str:
        """A document is always heard; a report may be refused while a part of us is away."""
        self.requests.append((url, dict(form)))
        try:
            return super().post(url, form, signature)
        except AssertionError as refused:
            if self.steps.away and str(refused).startswith("5") and is_report(url):
                raise Unheard(str(refused)) from None
            raise
        except TOLERATED as refused:
            raise Unheard(str(refused)) from None


def is_report(url: str) -> bool:
    """Whether nobody listens to the answer."""
    return step_of(url).endswith("status")


def step_of(url: str) -> str:
    """The step of one of our webhooks."""
    return urlsplit(url).path.removeprefix("/voice/")


@dataclass
class World:
    """Who could do what now, and what comes of it.

    Attributes:
        broken: the last request of legs whose document never came.
        over: legs whose Dial has ended at the carrier, with its status.
        sent: legs that we told to go on with another document.
        touched: when each leg last did something.
        promised: the callbacks that somebody was told about.
    """

    stage: RoughHouse
    witness: Witness = field(init=False)
    broken: dict[CallSid, Word] = field(default_factory=dict)
    over: dict[CallSid, str] = field(default_factory=dict)
    sent: dict[CallSid, str] = field(default_factory=dict)
    touched: dict[CallSid, float] = field(default_factory=dict)
    peers: dict[CallSid, Leg] = field(default_factory=dict)
    busy: set[CallSid] = field(default_factory=set)
    snapshot: dict[bytes, tuple[int, bytes]] | None = None
    _redirects: int = 0

    def __post_init__(self) -> None:
        self.stage.queue("support", ("+12015550100",), **POLICY)
        self.stage.queue("sales", ("+12015550101",), **POLICY, dial_mode="agent_first")
        self.stage.agent("ann", "support", "sales", free=False)
        self.stage.agent("bea", ("support", 2), "sales", free=False)
        self.witness = Witness(self.stage)

    def begin(self, journey: int, stations: int) -> None:
        """The first stations of a journey, so that something is under way when it begins to go wrong."""
        for act in JOURNEYS[journey](self)[:stations]:
            act()
            self.sync()

    def rung(self) -> list[Act]:
        """A callback whose phone rings for the free agent."""
        free = self._is("ann", AgentStatus.AVAILABLE)
        return [self._signs_up(NUMBERS[0], "support"), free, self.work, lambda: self._ring(self.last())]

    def served(self) -> list[Act]:
        """Up to the talk."""
        answers = [lambda: self._picks_up(self.last())(), lambda: self._press(self.last(), "1")()]
        takes = [lambda: self._picks_up(self.peer())(), lambda: self._press(self.peer(), "1")()]
        return [*self.rung(), *answers, *takes]

    def agent_first(self) -> list[Act]:
        """The agent is rung first, and then the caller."""
        answers: list[Act] = [
            lambda: self._ring(self.last()),
            lambda: self._picks_up(self.last())(),
            lambda: self._press(self.last(), "1")(),
        ]
        free = self._is("ann", AgentStatus.AVAILABLE)
        return [self._signs_up(NUMBERS[0], "sales"), free, self.work, *answers, self.work, *answers]

    def rings_in(self) -> list[Act]:
        """While their own phone rings for us."""
        return [*self.rung(), self._ring_in(NUMBERS[0], "support"), lambda: self._press(self.last(), "2")()]

    def asks_anew(self) -> list[Act]:
        """Cancelled while the phone rings, and asked for once more."""
        cancels: Act = lambda: self._cancels(self.stage.by_number(NUMBERS[0]))()  # noqa: E731
        return [*self.rung(), cancels, self._signs_up(NUMBERS[0], "support")]

    def last(self) -> Leg:
        """The newest call."""
        return [*self.stage.legs.values()][-1]

    def peer(self) -> Leg:
        """The newest leg of a Dial."""
        return [*self.peers.values()][-1]

    # --- what could happen now --------------------------------------------------------------------------------

    def choices(self, group: str) -> list[Choice]:
        """Everything of this kind that is possible."""
        found: list[Choice] = getattr(self, f"{group}_can")()
        return found

    def callers_can(self) -> list[Choice]:
        """People ring in, press keys, hold and hang up."""
        found: list[Choice] = []
        for number in NUMBERS:
            if not any(leg.status == "in-progress" for leg in self.of_person(number)):
                found += [(f"{number} rings {queue}", self._ring_in(number, queue)) for queue in QUEUES]
        for leg in self.people():
            if leg.status != "in-progress":
                continue
            if self.asked(leg):
                found += [(f"{leg.sid} presses {key or 'nothing'}", self._press(leg, key)) for key in ("1", "2", "")]
            if self.asked(leg) and leg.queue is None:
                found.append((f"{leg.sid} presses 3", self._press(leg, "3")))
            if leg.queue is not None:
                found.append((f"{leg.sid} listens", self._asks(leg, leg.hold)))
            found.append((f"{leg.sid} hangs up", self._hangs_up(leg)))
        return found

    def agents_can(self) -> list[Choice]:
        """Agents come and go, and their phones ring."""
        found: list[Choice] = []
        for key in AGENTS:
            for status in (AgentStatus.AVAILABLE, AgentStatus.AWAY):
                found.append((f"{key} is {status}", self._is(key, status)))
        for leg in self.agent_legs():
            if leg.status == "ringing" or (self.is_peer(leg) and not leg.heard):
                found.append((f"agent {leg.sid} picks up", self._picks_up(leg)))
                found.append((f"agent {leg.sid} does not answer", self._fails(leg, "no-answer")))
            elif leg.status == "in-progress":
                if self.asked(leg):
                    found += [(f"agent presses {key or 'nothing'}", self._press(leg, key)) for key in ("1", "")]
                found.append((f"agent {leg.sid} hangs up", self._hangs_up(leg)))
        return found

    def carrier_can(self) -> list[Choice]:
        """Calls ring, are answered and fail; documents are asked for again; dials end."""
        found: list[Choice] = []
        for leg in self.up():
            if leg.sid in self.sent:
                found.append((f"{leg.sid} is redirected", self._goes_on(leg)))
            if leg.sid in self.over:
                found.append((f"the dial of {leg.sid} is over", self._dial_over(leg)))
            if leg.sid in self.broken:
                found.append((f"{leg.sid} asks again", self._again(leg)))
                found.append((f"{leg.sid} asks the fallback", self._fallback(leg)))
            if leg.status == "queued":
                found.append((f"{leg.sid} rings", partial(self._ring, leg)))
                found.append((f"{leg.sid} fails", self._fails(leg, "failed")))
            if leg.status == "ringing" and leg.to.startswith("+"):
                found.append((f"{leg.sid} is answered", self._picks_up(leg)))
                found += [(f"{leg.sid} is {word}", self._fails(leg, word)) for word in ("busy", "no-answer")]
        return found

    def mail_can(self) -> list[Choice]:
        """Reports come late, twice, in any order, or never."""
        found: list[Choice] = []
        for number, (url, form) in enumerate(self.stage.sack):
            what = f"{step_of(url)} {form.get('CallSid')} {form.get('CallStatus')}"
            found.append((f"{what} comes", self._delivered(number, 1)))
            found.append((f"{what} comes twice", self._delivered(number, 2)))
            found.append((f"{what} is lost", self._delivered(number, 0)))
        return found

    def replays_can(self) -> list[Choice]:
        """Any request of the past comes again: it has no second effect."""
        old = self.stage.requests[-12:]
        return [(f"{step_of(url)} is replayed", self._replayed(url, form)) for url, form in old]

    def workers_can(self) -> list[Choice]:
        """A task runs, runs twice, or is lost."""
        found: list[Choice] = []
        for task in self.stage.dispatch.waiting:
            if task.due <= self.stage.clock.now():
                found.append((f"{task.name} {task.args}", self._runs(task, 1)))
                found.append((f"{task.name} {task.args} twice", self._runs(task, 2)))
                found.append((f"{task.name} {task.args} is lost", self._runs(task, 0)))
        return found

    def office_can(self) -> list[Choice]:
        """The API: sign up, cancel, later."""
        found: list[Choice] = [
            (f"a callback for {number} in {queue}", self._signs_up(number, queue))
            for number in NUMBERS
            for queue in QUEUES
        ]
        for callback in self.stage.callbacks()[:6]:
            found.append((f"{callback.id} cancelled", self._cancels(callback)))
            found.append((f"{callback.id} later", self._later(callback)))
        return found

    def beat_can(self) -> list[Choice]:
        """What comes round."""
        house = self.stage.house
        return [
            ("sweep", lambda: sweep.sweep(house)),
            ("persist", self.persist),
            ("stand again", lambda: stand_again.stand_again(house)),
        ]

    def time_can(self) -> list[Choice]:
        """Time passes: with beat and workers at work, or with neither."""
        found: list[Choice] = [(f"{s} s pass", partial(self.live, s)) for s in (1, 3, 10, 25)]
        return found + [(f"{s} s pass, nobody works", partial(self.idle, s)) for s in (1, 4, 15)]

    def mood_can(self) -> list[Choice]:
        """What the carrier says to the next creation."""
        fail = self.stage.carrier.fail_next
        return [
            ("the carrier is busy", lambda: fail(CarrierBusy("429", 20429))),
            ("the carrier answers 503", lambda: fail(OutcomeUnknown("503"))),
            ("the carrier answers 503 and dials", lambda: fail(OutcomeUnknown("503"), accepted=True)),
        ]

    def loss_can(self) -> list[Choice]:
        """Redis is lost, or goes back in time."""
        found: list[Choice] = [("Redis loses everything", self._flush), ("Redis is copied", self._copy)]
        return found + ([("Redis goes back", self._restore)] if self.snapshot else [])

    # --- who is there -----------------------------------------------------------------------------------------

    def up(self) -> list[Leg]:
        """Legs that the carrier has up, and that nobody else moves at this moment."""
        legs = [*self.stage.legs.values(), *self.peers.values()]
        return [leg for leg in legs if leg.up and leg.sid not in self.busy]

    def people(self) -> list[Leg]:
        """Callers' legs."""
        return [leg for leg in self.up() if person(leg) in NUMBERS]

    def of_person(self, number: str) -> list[Leg]:
        """Also those that are just being moved."""
        return [leg for leg in self.stage.legs.values() if leg.up and person(leg) == number]

    def agent_legs(self) -> list[Leg]:
        """Legs to agents, of a Dial or created."""
        return [leg for leg in self.up() if leg.to.startswith("client:")]

    def is_peer(self, leg: Leg) -> bool:
        """Whether it was made by a Dial."""
        return leg.sid in self.peers

    def asked(self, leg: Leg) -> bool:
        """Whether a key can be pressed."""
        waits = leg.sid in self.broken or leg.sid in self.over or leg.sid in self.sent
        return not waits and leg.document.verb("Gather") is not None

    # --- what they do -----------------------------------------------------------------------------------------

    def _ring_in(self, number: str, queue: str) -> Act:
        def act() -> None:
            leg = self.stage.arriving(number, queue, "+12015550100" if queue == "support" else "+12015550101")
            self.request(leg, f"{BASE}/voice/incoming?queue={queue}", leg.form())

        return act

    def _press(self, leg: Leg, key: str) -> Act:
        return self._asks(leg, lambda: leg.press(key), key=key)

    def _asks(self, leg: Leg, act: Callable[[], Document], key: str = "") -> Act:
        def asks() -> None:
            question = gather_action(leg)
            step = step_of(question)
            unwanted = self.witness.unwanted(leg, question, step, key)
            try:
                self.guard(leg, act)
            except Killed:
                self.witness.died(leg, step, key)
                raise
            self.witness.pressed(leg, step, key, unwanted)

        return asks

    def request(self, leg: Leg, url: str, form: dict[str, str]) -> None:
        """One document."""
        mode = MODES.get(step_of(url), Mode.CALL)

        def act() -> None:
            answer = self.stage.post(url, form)
            leg.document = Document(answer, twiml.parse(answer, mode))
            if leg.document.says:
                leg.heard.append(leg.document.says)
            leg._begin(mode)

        self.guard(leg, act)

    def guard(self, leg: Leg, act: Act) -> None:
        """A leg that asks: if we die meanwhile, it waits for a document that never comes."""
        self.busy.add(leg.sid)
        self.touch(leg)
        self.broken.pop(leg.sid, None)
        try:
            act()
        except Killed:
            self.broken[leg.sid] = self.stage.requests[-1]
            raise
        finally:
            self.busy.discard(leg.sid)

    def _hangs_up(self, leg: Leg) -> Act:
        return lambda: self.ends(leg, "completed")

    def ends(self, leg: Leg, status: str) -> None:
        """It is over at the carrier; whoever was with them is alone."""
        room, peer = leg.room, leg.peer
        self.stage.sack += leg.end(status)
        if peer is not None and peer.up:
            self.stage.sack += peer.end()
        for other in [*self.stage.legs.values()]:
            if other.up and ((room and other.room == room) or other.peer is leg):
                talked = leg.bridged or bool(room)
                self.over[other.sid] = "completed" if talked else "no-answer"

    def _fails(self, leg: Leg, status: str) -> Act:
        return lambda: self.ends(leg, status)

    def _picks_up(self, leg: Leg) -> Act:
        def act() -> None:
            leg.status = "in-progress"
            if not self.is_peer(leg):
                self.stage.carrier.answer(leg.sid)
                self.stage.tell(leg.report("in-progress"))
            self.request(leg, leg.url, leg.form())

        if leg.to.startswith("+") and any(o.status == "in-progress" for o in self.of_person(leg.to)):
            return self._fails(leg, "busy")
        return act

    def _ring(self, leg: Leg) -> None:
        self.touch(leg)
        leg.ring()

    def _goes_on(self, leg: Leg) -> Act:
        def act() -> None:
            url = self.sent.pop(leg.sid)
            self.over.pop(leg.sid, None)
            if leg.peer is not None and leg.peer.up:
                self.stage.sack += leg.peer.end()
            if leg.queue is not None:
                self.stage.tell((leg.queue.get("action"), leg.form(QueueResult="redirected", QueueTime="10")))
            self.request(leg, url, leg.form())

        return act

    def _dial_over(self, leg: Leg) -> Act:
        def act() -> None:
            status = self.over.pop(leg.sid)
            if leg.dial is not None:
                self.request(leg, leg.dial.get("action"), leg.form(DialCallStatus=status))

        return act

    def _again(self, leg: Leg) -> Act:
        return lambda: self.request(leg, *self.broken.pop(leg.sid))

    def _fallback(self, leg: Leg) -> Act:
        def act() -> None:
            url, _ = self.broken.pop(leg.sid)
            if MODES.get(step_of(url)) is not None or not leg.to.startswith("+"):
                self.ends(leg, "completed")
                return
            self.request(leg, f"{BASE}/voice/fallback", leg.form(ErrorCode="11200", ErrorUrl=url))

        return act

    def _is(self, key: str, status: AgentStatus) -> Act:
        return lambda: presence.set_presence(self.stage.house, AgentKey(key), status)

    def _delivered(self, number: int, times: int) -> Act:
        def act() -> None:
            url, form = self.stage.sack.pop(number)
            for _ in range(times):
                self.stage.post(url, form)

        return act

    def _replayed(self, url: str, form: dict[str, str]) -> Act:
        def act() -> None:
            self.stage.post(url, form)
            self.stage.requests.pop()

        return act

    def _runs(self, task: Task, times: int) -> Act:
        def act() -> None:
            self.stage.dispatch.waiting.remove(task)
            try:
                for _ in range(times):
                    run(self.stage.house, task)
            except Killed:  # not acknowledged: another worker gets it
                self.stage.dispatch.waiting.append(task)
                raise

        return act

    def _signs_up(self, number: str, queue: str) -> Act:
        def act() -> None:
            wish: dict[str, Any] = {"queue": QueueKey(queue), "number": number, "source": Source.API}
            made, _ = enrol.request(self.stage.house, **wish, idempotency=None, cause="model")
            self.witness.promised(made)

        return refusable(act)

    def _cancels(self, callback: Callback) -> Act:
        def act() -> None:
            self.witness.cancel_wanted(callback.id)
            cancel.cancel(self.stage.house, callback.id, reason="changed their mind", cause="model")
            self.witness.cancelled(callback.id)

        return refusable(act)

    def _later(self, callback: Callback) -> Act:
        at = self.stage.clock.now() + timedelta(seconds=90)
        return refusable(lambda: cancel.reschedule(self.stage.house, callback.id, at, cause="model"))

    # --- Redis ------------------------------------------------------------------------------------------------

    def _lose(self) -> None:
        """A call that was about to arrive arrives anew: nobody else knows when it did."""
        self.witness.lost()
        self.stage.requests = [word for word in self.stage.requests if step_of(word[0]) != "incoming"]
        self.stage.redis.flushall()

    def _flush(self) -> None:
        self._lose()
        self.noticed()

    def _copy(self) -> None:
        raw = cast(Any, self.stage.raw)
        self.snapshot = {key: (max(raw.pttl(key), 0), raw.dump(key)) for key in raw.keys("*")}

    def _restore(self) -> None:
        self._lose()
        for key, (ttl, value) in (self.snapshot or {}).items():
            if value is not None:  # else its time was over since the keys were listed
                cast(Any, self.stage.raw).restore(key, ttl, value)
        self.noticed()

    def noticed(self) -> None:
        """Half a second later at most: nobody is paired from then on."""
        self.stage.steps.restart()
        self.stage.steps.away, self.stage.steps.between = frozenset(), None
        epoch.tick(self.stage.house)

    def persist(self) -> None:
        """What the workers do twice a second."""
        epoch.tick(self.stage.house)
        persist.persist(self.stage.house)

    # --- time -------------------------------------------------------------------------------------------------

    def idle(self, seconds: int) -> None:
        """People and the carrier go on; nobody of ours works but the doors."""
        for _ in range(seconds):
            self.stage.clock.advance(1)
            self.sync()
            self.everybody(self.stage.clock.now().timestamp())

    def live(self, seconds: int) -> None:
        """So many seconds of a house at work."""
        for _ in range(seconds):
            self.idle(1)
            self.quietly(lambda: sweep.sweep(self.stage.house))
            self.quietly(self.persist)
            if round(self.stage.clock.now().timestamp()) % 5 == 0:
                self.quietly(lambda: stand_again.stand_again(self.stage.house))
            self.work()

    def work(self) -> None:
        """Tasks and reports, until there are none."""
        while due := self.stage.dispatch.take():
            for task in due:
                self.quietly(partial(run, self.stage.house, task))
                self.sync()
        while self.stage.sack:
            word = self.stage.sack.pop(0)
            self.quietly(partial(self.stage.post, *word))
        self.sync()

    def jump(self) -> None:
        """To the time that somebody asked for, where nothing else goes on."""
        asked = [callback.requested_for for callback in self.stage.callbacks() if callback.state is State.SCHEDULED]
        later = [at for at in asked if at is not None and at > self.stage.clock.now()]
        if later and len(self.witness.unrest()) == len(asked):
            self.stage.clock.set(min(later))

    def quietly(self, act: Act) -> None:
        """What is not done now is found by the next."""
        try:
            act()
        except (*TOLERATED, Unheard):
            return

    def everybody(self, now: float) -> None:
        """Nobody rings, waits at a question or talks for ever."""
        for leg in self.up():
            if leg.up and leg.sid not in self.busy:
                self.quietly(partial(self.one, leg, now - self.touched.setdefault(leg.sid, now)))
                self.sync()

    def one(self, leg: Leg, idle_s: float) -> None:
        """What a leg does by itself after a while."""
        habits: list[tuple[int, bool, Act]] = [
            (0, leg.sid in self.sent, lambda: self._goes_on(leg)()),
            (0, leg.sid in self.over, lambda: self._dial_over(leg)()),
            (REDIAL_S, leg.sid in self.broken, lambda: self._fallback(leg)()),
            (QUEUED_S, leg.status == "queued", lambda: self._ring(leg)),
            (RING_S, leg.status == "ringing", lambda: self.ends(leg, "no-answer")),
            (RING_S, self.is_peer(leg) and not leg.heard, lambda: self.ends(leg, "no-answer")),
            (LAP_S, leg.queue is not None, lambda: self._asks(leg, leg.hold)()),
            (KEYS_S, self.asked(leg), lambda: self._press(leg, "")()),
            (TALK_S, leg.peer is not None and leg.peer.bridged, lambda: self.ends(leg, "completed")),
            (ALONE_S if self.alone(leg) else TALK_S, bool(leg.room), lambda: self.ends(leg, "completed")),
        ]
        for patience_s, able, act in habits:
            if able:
                if idle_s >= patience_s:
                    act()
                return

    def helped(self, leg: Leg) -> None:
        """In the end everybody answers, presses 1 and talks for a moment."""
        if leg.sid in self.broken or leg.sid in self.over or leg.sid in self.sent or not leg.up:
            return
        now = self.stage.clock.now().timestamp()
        peer = leg.peer is not None and leg.peer.bridged
        if leg.status == "ringing" or (self.is_peer(leg) and not leg.heard):
            self.quietly(self._picks_up(leg))
        elif self.asked(leg) and leg.queue is None:
            self.quietly(self._press(leg, "1"))
        elif (peer or leg.room) and now - self.touched[leg.sid] > ALONE_S // 2:
            self.ends(leg, "completed")
        self.sync()

    def alone(self, leg: Leg) -> bool:
        """In a conference with nobody else."""
        return not any(other.room == leg.room and other is not leg for other in self.up())

    # --- what follows by itself -------------------------------------------------------------------------------

    def touch(self, leg: Leg) -> None:
        """They did something now."""
        self.touched[leg.sid] = self.stage.clock.now().timestamp()

    def sync(self) -> None:
        """The carrier's side after whatever happened: new calls, ended calls, agents' phones."""
        while self.stage.unseen:
            leg = self.stage.outgoing()
            self.touch(leg)
            self.witness.created(leg)
        for leg in [*self.stage.legs.values()]:
            found = self.stage.carrier.fetch(leg.sid)
            if leg.up and leg.sid not in self.busy and found is not None and found.status in ENDED:
                self.ends(leg, found.status)
        self._redirected()
        for leg in self.up():
            self._settled(leg)
        self.witness.look(self.up())

    def _redirected(self) -> None:
        while self._redirects < len(self.stage.carrier.redirected):
            sid, url = self.stage.carrier.redirected[self._redirects]
            self._redirects += 1
            self.sent[sid] = url

    def _settled(self, leg: Leg) -> None:
        """A Dial rings its agent; a document that leads nowhere ends the call."""
        if leg.peer is not None and not leg.peer.up and leg.sid not in self.over:
            self.over[leg.sid] = "completed"  # they were told to hang up
        if leg.dial is not None and not leg.room and leg.peer is None and leg.sid not in self.over:
            peer = leg.agent()
            self.peers[peer.sid] = peer
            self.touch(peer)
            if any(other.to == peer.to and other.status == "in-progress" and other.heard
                   for other in self.agent_legs() if other is not peer):  # fmt: skip
                self.ends(peer, "busy")
            return
        waits = leg.sid in self.broken or leg.sid in self.over or leg.sid in self.sent
        leads = leg.queue is not None or leg.dial is not None or leg.document.verb("Gather") is not None
        ringing = leg.status != "in-progress" or not leg.document.text
        if not (waits or leads or ringing or leg.bridged):
            self.ends(leg, "completed")


JOURNEYS = (World.served, World.agent_first, World.rings_in, World.asks_anew)
"""What may be under way in the beginning."""


def person(leg: Leg) -> str:
    """Whose phone it is."""
    return leg.from_ if leg.direction == "inbound" else leg.to


def gather_action(leg: Leg) -> str:
    """Where a key would go."""
    gather = leg.document.verb("Gather")
    return gather.get("action") if gather is not None else ""


def refusable(act: Act) -> Act:
    """The API says no, in one of its ways."""

    def asked() -> None:
        try:
            act()
        except (AlreadyBridged, DuplicateOpen, InvalidInput, NotAccepting, *TOLERATED):
            return

    return asked
