"""One reader for all who listen: what they hear, how often it looks, and when it stops."""

import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from callback.ports import House
from callback.web.hub import Full, Glance, Hub, Topic
from tests.support.waiting import eventually


class World:
    """Something that changes, and counts how often it is looked at."""

    def __init__(self) -> None:
        self.value: Any = 1
        self.looks = self.asked = 0

    def look(self, glance: Glance) -> Any:
        self.looks += 1
        if isinstance(self.value, Exception):
            raise self.value
        return glance.once("value", self.ask)

    def ask(self) -> Any:
        self.asked += 1
        return self.value


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub(cast(House, None), most=3, every_s=0.01)
    yield made
    made.closing = True
    eventually(lambda: made._reader is None)


def test_whoever_listens_hears_what_is_there_and_then_what_changes(hub: Hub, world: World) -> None:
    channel = hub.join(Topic("a", world.look))
    assert hub.wait(channel, 0, 20)
    assert (channel.number, channel.value) == (1, 1)
    assert not hub.wait(channel, 1, 0.05)
    world.value = 2
    assert hub.wait(channel, 1, 20)
    assert (channel.number, channel.value) == (2, 2)
    hub.part(channel)


def test_a_thing_is_looked_at_once_for_all_and_no_more_when_nobody_listens(hub: Hub, world: World) -> None:
    listening = [hub.join(Topic(name, world.look)) for name in ("a", "a", "b")]
    assert listening[0] is listening[1]
    assert all(hub.wait(channel, 0, 20) for channel in listening)
    eventually(lambda: world.looks > 4)
    assert world.asked <= world.looks // 2 + 1
    for channel in listening:
        hub.part(channel)
    eventually(lambda: hub._reader is None)
    looks = world.looks
    assert hub.listening == 0
    again = hub.join(Topic("a", world.look))
    assert hub.wait(again, 0, 20)
    assert world.looks > looks
    hub.part(again)


def test_only_so_many_listen(hub: Hub, world: World) -> None:
    listening = [hub.join(Topic("a", world.look)) for _ in range(3)]
    with pytest.raises(Full):
        hub.join(Topic("a", world.look))
    hub.part(listening.pop())
    hub.part(hub.join(Topic("b", world.look)))
    for channel in listening:
        hub.part(channel)


def test_what_cannot_be_seen_is_not_news_and_does_not_count_as_looked_at(hub: Hub, world: World) -> None:
    channel = hub.join(Topic("a", world.look))
    assert hub.wait(channel, 0, 20)
    world.value = ConnectionError("the line is away")
    looks = world.looks
    eventually(lambda: world.looks > looks + 1)
    seen = channel.looked_at
    eventually(lambda: world.looks > looks + 3)
    assert (channel.number, channel.looked_at) == (1, seen)
    world.value = 3
    assert hub.wait(channel, 1, 20)
    hub.part(channel)


def test_it_is_written_once_for_all_who_read_it_alike(hub: Hub, world: World) -> None:
    channel = hub.join(Topic("a", world.look))
    hub.wait(channel, 0, 20)
    written: list[str] = []

    def write(value: Any) -> str:
        written.append(value)
        return f"<p>{value}</p>"

    readers = [threading.Thread(target=channel.written, args=("en", write)) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert channel.written("en", write) == (1, "<p>1</p>")
    assert channel.written("zh", write) == (1, "<p>1</p>")
    assert len(written) == 2
    for value in range(2, 2000):
        channel.renew(value)
        channel.written("en", write)
    assert len(channel._written) == 1, "nothing piles up over days"
    hub.part(channel)


def test_whoever_waits_is_woken_when_the_process_ends(hub: Hub, world: World) -> None:
    channel = hub.join(Topic("a", world.look))
    hub.wait(channel, 0, 20)
    hub.closing = True
    assert hub.wait(channel, channel.number, 20)
    with pytest.raises(Full):
        hub.join(Topic("a", world.look))
    hub.part(channel)
