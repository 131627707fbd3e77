"""What a process knows of queues and agents: fresh within two seconds, read whole only when something changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import cast

import pytest

from callback.domain.callback import Agent
from callback.domain.errors import NotFound
from callback.domain.ids import AgentKey, EntryId, QueueKey
from callback.domain.policy import Policy, Queue
from callback.domain.wording import Wording
from callback.flows.book import LOST, MAX_AGE_S, TELL_EVERY_S, LineBook
from callback.ports import Standing, Store
from tests.fakes.line import FakeLine
from tests.support.clock import ManualClock

SUPPORT = Queue("support", "Support", ("+12015550100",), Policy(), 1)
ADA = Agent(AgentKey("ada"), "Ada", "client:ada", ())


class CountingLine(FakeLine):
    """Counts how often the whole configuration was read, and can be away."""

    reads = 0
    away = False

    def standing(self, queue: QueueKey, entry: EntryId | None) -> Standing:
        if self.away:
            raise ConnectionError("away")
        return super().standing(queue, entry)

    def configuration(self) -> tuple[int, list[Queue], list[Agent]]:
        self.reads += 1
        return super().configuration()


@pytest.fixture
def line() -> CountingLine:
    found = CountingLine()
    found.configure([SUPPORT], [ADA])
    return found


@pytest.fixture
def book(line: CountingLine, clock: ManualClock) -> LineBook:
    return LineBook(line, clock)


def test_nothing_is_read_again_while_nothing_changes(book: LineBook, line: CountingLine, clock: ManualClock) -> None:
    for _ in range(10):
        assert book.queue(QueueKey("support")) == SUPPORT
        clock.advance(MAX_AGE_S + 1)
    assert line.reads == 1


def test_a_change_is_known_when_the_picture_is_old(book: LineBook, line: CountingLine, clock: ManualClock) -> None:
    assert book.queue(QueueKey("support")).name == "Support"
    line.configure([replace(SUPPORT, name="Help")], [ADA])
    clock.advance(MAX_AGE_S + 1)
    assert book.queue(QueueKey("support")).name == "Help"


def test_a_change_is_known_at_once_where_somebody_saw_its_version(book: LineBook, line: CountingLine) -> None:
    assert book.queue(QueueKey("support")).name == "Support"
    version = line.configure([replace(SUPPORT, name="Help")], [ADA])
    book.check(version)
    assert book.queue(QueueKey("support")).name == "Help"


def test_a_new_agent_is_found_at_once(book: LineBook, line: CountingLine) -> None:
    with pytest.raises(NotFound):
        book.agent(AgentKey("bob"))
    line.configure([SUPPORT], [ADA, replace(ADA, key=AgentKey("bob"))])
    assert book.agent(AgentKey("bob")).name == "Ada"


def test_the_last_picture_serves_while_the_line_is_away(book: LineBook, line: CountingLine, clock: ManualClock) -> None:
    assert book.queue(QueueKey("support")) == SUPPORT
    line.away = True
    clock.advance(MAX_AGE_S + 1)
    assert book.queue(QueueKey("support")) == SUPPORT


def test_the_number_of_a_queue_made_a_moment_ago_never_leads_to_the_one_before(
    book: LineBook, line: CountingLine
) -> None:
    assert book.find(None, "+12015550199") == SUPPORT, "the only queue there is"
    sales = Queue("sales", "Sales", ("+12015550199",), Policy(), 1)
    line.configure([SUPPORT, sales], [ADA])
    assert book.find(None, "+12015550199") == sales


def test_the_only_queue_known_serves_while_the_line_is_away(book: LineBook, line: CountingLine) -> None:
    assert book.find(None, "+12015550100") == SUPPORT
    line.away = True
    assert book.find(None, "+12015550199") == SUPPORT


def test_an_empty_line_never_replaces_a_picture_that_had_queues(line: CountingLine, clock: ManualClock) -> None:
    told: list[str] = []
    book = LineBook(line, clock, lost=lambda: told.append("lost"))
    assert book.find(None, "+12015550100") == SUPPORT
    line.clear()
    clock.advance(MAX_AGE_S + 1)
    assert book.find(None, "+12015550100") == SUPPORT
    assert book.agent(AgentKey("ada")) == ADA
    assert told == ["lost"]


class Record:
    """What the record has, while it can be reached."""

    away = False

    def __init__(self, *agents: Agent) -> None:
        self._agents = agents

    @contextmanager
    def begin(self) -> Iterator["Record"]:
        """Raises ConnectionError."""
        if self.away:
            raise ConnectionError("away")
        yield self

    def queues(self) -> list[Queue]:
        """One."""
        return [SUPPORT]

    def agents(self) -> list[Agent]:
        """As told."""
        return list(self._agents)

    def wordings(self) -> list[Wording]:
        """None."""
        return []


def test_an_agent_made_while_the_line_is_lost_is_found_in_the_record(line: CountingLine, clock: ManualClock) -> None:
    bob = replace(ADA, key=AgentKey("bob"))
    record = Record(ADA, bob)
    book = LineBook(line, clock, record=cast(Store, record))
    assert book.agent(ADA.key) == ADA
    line.clear()
    book.check(LOST)
    assert book.agent(bob.key) == bob
    record.away = True
    assert book.agent(ADA.key) == ADA, "the last picture serves"
    with pytest.raises(NotFound):
        book.agent(AgentKey("eve"))


def test_a_lost_line_is_told_of_at_once_and_then_once_a_second(line: CountingLine, clock: ManualClock) -> None:
    told: list[str] = []
    book = LineBook(line, clock, lost=lambda: told.append("lost"))
    book.check(1)
    for _ in range(10):
        book.check(LOST)
    assert told == ["lost"]
    clock.advance(TELL_EVERY_S)
    book.check(LOST)
    assert told == ["lost", "lost"]


def test_a_line_that_is_being_filled_is_not_read_again_and_again(line: CountingLine, book: LineBook) -> None:
    assert book.queue(QueueKey("support")) == SUPPORT
    line.begin_rebuild(1, "0")
    for _ in range(5):
        book.check(line.standing(QueueKey("support"), None).config)
    assert line.reads == 1


def test_after_the_rebuild_the_lines_picture_is_read(line: CountingLine, book: LineBook, clock: ManualClock) -> None:
    assert book.queue(QueueKey("support")) == SUPPORT
    line.begin_rebuild(1, "0")
    line.clear()
    line.configure([replace(SUPPORT, name="Help")], [ADA])
    line.end_rebuild(1)
    clock.advance(MAX_AGE_S + 1)
    assert book.queue(QueueKey("support")).name == "Help"
