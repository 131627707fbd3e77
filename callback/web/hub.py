"""One reader a process for all pages that stay open: it looks at the house once a second while anybody listens, and
wakes those who listen to what has changed.

So two hundred wallboards cost the line one look a second in each process, whatever is shown is written once for all of
them, and nobody's page asks for itself. The reader is a thread: with green threads, a green one.
"""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar

import structlog

from callback.ports import House

EVERY_S = 1.0
_log = structlog.get_logger("callback.web")
Value = TypeVar("Value")


class Full(Exception):
    """As many pages listen in this process as it can serve."""


@dataclass
class Glance:
    """One look of the reader at the house: what several topics need is asked for once."""

    house: House
    _known: dict[Hashable, Any] = field(default_factory=dict)

    def once(self, key: Hashable, ask: Callable[[], Value]) -> Value:
        """The answer of this look to `key`, asked for by the first topic that needs it."""
        if key not in self._known:
            self._known[key] = ask()
        found: Value = self._known[key]
        return found


@dataclass(frozen=True)
class Topic:
    """Something that pages listen to. Same `name`, same thing: the `look` of whoever listens first is used for all.

    `look` gives what is shown, or a mark of it; a value that differs from the one before is news. It runs beside any
    request: it knows no language and nobody who is signed in.
    """

    name: str
    look: Callable[[Glance], Any]


@dataclass
class Channel:
    """A topic somebody listens to: its newest value, numbered, and what was written of it so far."""

    topic: Topic
    value: Any = None
    number: int = 0  # of the value; 0: nobody has looked yet
    looked_at: float = 0.0  # monotonic, of the last look that succeeded
    listeners: int = 0
    _written: dict[tuple[int, Hashable], Any] = field(default_factory=dict)
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def written(self, key: Hashable, write: Callable[[Any], Value]) -> tuple[int, Value]:
        """The newest value as `write` puts it: once for all who ask with the same key (language, zone). With its
        number, which is of the value that was written."""
        with self._writing:
            number, value = self.number, self.value
            if (number, key) not in self._written:
                self._written = {known: kept for known, kept in self._written.items() if known[0] == number}
                self._written[number, key] = write(value)
            found: Value = self._written[number, key]
            return number, found

    def renew(self, value: Any) -> bool:
        """What a look has found. True: it is news."""
        self.looked_at = monotonic()
        if self.number and value == self.value:
            return False
        with self._writing:  # number and value go together
            self.value, self.number = value, self.number + 1
        return True


class Hub:
    """The reader of one process and those who listen. `most` is how many may, at once."""

    def __init__(self, house: House, *, most: int, every_s: float = EVERY_S) -> None:
        self._house, self._most, self._every_s = house, most, every_s
        self._channels: dict[str, Channel] = {}
        self._listening = 0
        self._news = threading.Condition()
        self._reader: threading.Thread | None = None
        self.closing = False
        """Set when the process is asked to end: every stream ends within a second."""

    @property
    def listening(self) -> int:
        """How many listen now."""
        return self._listening

    def wait(self, channel: Channel, after: int, timeout_s: float) -> bool:
        """Until the channel's value is another than the one numbered `after`. False: it was not, in that time."""
        with self._news:
            return self._news.wait_for(lambda: channel.number != after or self.closing, timeout_s)

    def join(self, topic: Topic) -> Channel:
        """The channel of a topic, looked at until `part`. Raises Full."""
        with self._news:
            if self._listening >= self._most or self.closing:
                raise Full
            self._listening += 1
            channel = self._channels.setdefault(topic.name, Channel(topic))
            channel.listeners += 1
            if self._reader is None:
                self._reader = threading.Thread(target=self._read, daemon=True, name="live")
                self._reader.start()
            return channel

    def part(self, channel: Channel) -> None:
        """One listens no more."""
        with self._news:
            self._listening -= 1
            channel.listeners -= 1
            if not channel.listeners and self._channels.get(channel.topic.name) is channel:
                del self._channels[channel.topic.name]

    def _read(self) -> None:
        while True:
            began = monotonic()
            with self._news:
                channels = list(self._channels.values())
                if not channels or self.closing:
                    self._reader = None
                    self._news.notify_all()
                    return
            self._look(channels)
            # Whoever joins meanwhile is looked at for at once.
            with self._news:
                rest = max(self._every_s - (monotonic() - began), 0.05)
                self._news.wait_for(self._somebody_is_new, rest)

    def _somebody_is_new(self) -> bool:
        return self.closing or any(channel.number == 0 for channel in self._channels.values())

    def _look(self, channels: list[Channel]) -> None:
        glance, changed = Glance(self._house), False
        for channel in channels:
            try:
                value = channel.topic.look(glance)
            except Exception as hindrance:  # noqa: BLE001 - told below; the pages say that they are out of date
                _log.warning("live.unseen", topic=channel.topic.name, error=type(hindrance).__name__)
                continue
            changed = channel.renew(value) or changed
        if changed:
            with self._news:
                self._news.notify_all()
