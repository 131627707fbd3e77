"""What a voice webhook brings: the carrier's facts about the leg, and the place in line that our own URL carries.

The carrier signs the whole URL, so what we put into a query comes back unaltered: a live caller's time of joining
travels with the call itself and survives a lost Redis.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from callback.domain.dialogue import Hold, Step
from callback.domain.ids import CallSid, EntryId, QueueKey
from callback.domain.policy import Queue
from callback.ports import Reservation, Standing

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(at: datetime) -> int:
    """Integer microseconds since 1970."""
    return (at - EPOCH) // timedelta(microseconds=1)


def moment(us: int) -> datetime:
    """The inverse of `micros`."""
    return EPOCH + timedelta(microseconds=us)


@dataclass(frozen=True)
class Hook:
    """One webhook: `form` as the carrier posted it, `query` as we wrote it into the URL, `came_at` by our clock (aware
    UTC; None: the door did not look)."""

    form: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    came_at: datetime | None = None

    @property
    def call(self) -> CallSid:
        """The leg this webhook is about."""
        return CallSid(self.form.get("CallSid", ""))

    @property
    def caller(self) -> str:
        """The other party as the carrier says it: a claim, and not always a number. Of a call that we made, whom we
        called."""
        return self.form.get("To" if self.form.get("Direction", "").startswith("outbound") else "From", "")

    @property
    def status(self) -> str:
        """The leg's status in the carrier's words."""
        return self.form.get("CallStatus", "")

    @property
    def digits(self) -> str:
        """The keys pressed, "" for none; those of the request before, where that one failed (`trouble.pressed`)."""
        return self.form.get("Digits", "") or self.query.get("d", "")

    @property
    def tries(self) -> int:
        """How often this question has been asked already."""
        return int(self.query.get("t", "0"))

    def again(self) -> "Hook":
        """The same question, asked once more."""
        return replace(self, query={**self.query, "t": str(self.tries + 1)})


@dataclass(frozen=True)
class Place:
    """A live caller's place, as it travels in the URLs of their call.

    `entry` is the call itself, or the callback whose leg this is. `offered`: the offer was made and stays open on a
    key. `lap` counts the wait documents heard.
    """

    queue: QueueKey
    entry: EntryId
    joined: int
    score: int
    language: str
    offered: bool = False
    lap: int = 0

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Place":
        """Read back from a URL of ours. Raises KeyError or ValueError where it is not one."""
        return cls(
            queue=QueueKey(query["q"]),
            entry=EntryId(query["e"]),
            joined=int(query["j"]),
            score=int(query["s"]),
            language=query["l"],
            offered=query.get("o") == "1",
            lap=int(query.get("w", "0")),
        )

    @classmethod
    def standing(cls, queue: Queue, entry: EntryId, standing: Standing, language: str, now: datetime) -> "Place":
        """The place of somebody the line has just answered about."""
        joined = micros(standing.joined_at or now)
        return cls(QueueKey(queue.key), entry, joined, standing.score or joined, language)

    @classmethod
    def paired(cls, pairing: Reservation) -> "Place":
        """The place of somebody in a reservation, to which they go back if it comes to nothing."""
        joined = micros(pairing.joined_at or pairing.at)
        return cls(pairing.queue, pairing.entry, joined, pairing.score, pairing.language or "en")

    def query(self) -> dict[str, str]:
        """As it stands in a URL."""
        query = {"q": self.queue, "e": self.entry, "j": str(self.joined), "s": str(self.score), "l": self.language}
        if self.offered:
            query["o"] = "1"
        if self.lap:
            query["w"] = str(self.lap)
        return query

    def step(self, path: str, **more: str) -> Step:
        """A step that carries this place."""
        return Step(path, {**self.query(), **more})

    def hold(self) -> Hold:
        """Into the carrier's queue, with our wait document."""
        return Hold(f"cb-{self.queue}"[:64], wait=self.step("wait"), left=self.step("left"))

    def next_lap(self) -> "Place":
        """One wait document further."""
        return replace(self, lap=self.lap + 1)
