"""The carrier's call queues: first come, first out, until somebody dials the queue or a member is taken by name."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from callback.emulator.bridge import Bridge
from callback.emulator.clock import SimClock
from callback.emulator.leg import Leg

DEFAULT_SIZE = 1000
LARGEST_SIZE = 5000


@dataclass
class Pickup:
    """Somebody takes a member out of the queue to talk to them.

    Args:
        by: the leg that dialled the queue.
        url, method: document the member hears first, empty for none.
        bridge: set once the two are joined.
    """

    by: Leg
    url: str
    method: str
    bridge: asyncio.Future[Bridge]


@dataclass(eq=False)
class Member:
    """A leg in a queue since ``joined`` (real epoch seconds)."""

    leg: Leg
    joined: float
    pickup: asyncio.Future[Pickup] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class CallQueue:
    """One named queue.

    Args:
        sid: ``QU`` and 32 hex digits.
        name: at most 64 characters.
        clock: source of times.
        max_size: members it holds at most.
    """

    def __init__(self, sid: str, name: str, clock: SimClock, max_size: int = DEFAULT_SIZE) -> None:
        self.sid = sid
        self.name = name
        self.max_size = max_size
        self.created = self.updated = clock.now()
        self.members: list[Member] = []
        self._clock = clock
        self._arrival = asyncio.Event()

    def join(self, leg: Leg) -> Member | None:
        """Puts a leg at the end; None when the queue is full."""
        if len(self.members) >= self.max_size:
            return None
        member = Member(leg, self._clock.now())
        self.members.append(member)
        arrival, self._arrival = self._arrival, asyncio.Event()
        arrival.set()
        return member

    def leave(self, member: Member) -> None:
        """Takes a member out, if it still is in."""
        if member in self.members:
            self.members.remove(member)

    def find(self, call_sid: str) -> Member | None:
        """The member with this call sid, or the first for ``Front``."""
        if call_sid == "Front":
            return self.members[0] if self.members else None
        return next((member for member in self.members if member.leg.sid == call_sid), None)

    async def take_front(self, pickup: Pickup) -> Member:
        """Waits for a member, takes the first out and tells it who picks it up."""
        while not self.members:
            await self._arrival.wait()
        member = self.members.pop(0)
        member.pickup.set_result(pickup)
        return member

    def position(self, member: Member) -> int:
        """Place from 1; 0 when no longer in."""
        return self.members.index(member) + 1 if member in self.members else 0

    def waited_s(self, member: Member) -> int:
        """Whole real seconds since the member joined."""
        return int(self._clock.now() - member.joined)

    @property
    def average_wait_s(self) -> int:
        """Mean time so far of those still waiting, as the carrier counts it."""
        if not self.members:
            return 0
        return int(sum(self._clock.now() - member.joined for member in self.members) / len(self.members))
