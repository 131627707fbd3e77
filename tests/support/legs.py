"""Legs of calls that do what their documents say, as the carrier would: keys, hold, dials, and the words about the end.

Every document is read by the strict emulator's grammar. What a leg's end reports comes as a list, so that a test can
lose, repeat or reorder it.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from callback.domain.ids import CallSid
from callback.emulator import twiml
from callback.emulator.twiml import Mode, Verb

if TYPE_CHECKING:
    from tests.support.house import StagedHouse

Word = tuple[str, dict[str, str]]
"""One report of the carrier: its URL and what it says."""


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
        about = {"CallSid": self.sid, "AccountSid": self.stage.account, "From": self.from_, "To": self.to}
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

    def conference_starts(self) -> Word:
        """What the carrier tells when the second leg joins the conference that this one is in."""
        assert self.dial is not None
        assert self.room, "in no conference"
        about = {"AccountSid": self.stage.account, "ConferenceSid": "CF" + "1" * 32, "FriendlyName": self.room}
        event = {"StatusCallbackEvent": "conference-start", "SequenceNumber": "1"}
        return self.dial.children[0].get("statusCallback"), {**about, **event}

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
        self.peer = Leg(
            self.stage, sid, self.stage.own, contact, "outbound-dial", noun.get("statusCallback"), noun.get("url")
        )
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
