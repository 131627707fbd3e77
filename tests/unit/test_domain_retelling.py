"""The journal told again as what happens on a floor, situation by situation."""

from datetime import UTC, datetime, timedelta
from typing import Any

from callback.domain.callback import Entry
from callback.domain.floor import Came, Event, Freed, Joined, Kind, Left, Served, Went
from callback.domain.retelling import Retelling, pools

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
T = NOON.timestamp()


class Journal:
    """Writes rows as the line tells them, and hears what they mean."""

    def __init__(self) -> None:
        self.retelling = Retelling()
        self.seq = 0

    def row(self, at: float, kind: str, subject: str, before: str | None, after: str, **more: Any) -> list[Event]:
        self.seq += 1
        return self.retelling.feed(
            Entry(
                NOON + timedelta(seconds=at),
                kind,
                subject,
                before,
                after,
                more.get("reason", ""),
                more.get("cause", ""),
                more.get("queue", "support"),
                more.get("data", {}),
                self.seq,
            )
        )

    def call(self, at: float, call: str, before: str | None, after: str, credit: float = 0, joined: float = 0) -> Any:
        place = {"score": micros(joined - credit), "joined": micros(joined)}
        return self.row(at, "call", call, before, after, cause=call, data=place)

    def promise(self, at: float, id: str, before: str | None, after: str, joined: float = 0, reason: str = "") -> Any:
        place = {"score": micros(joined), "joined": micros(joined)}
        return self.row(at, "queue", "support", before, after, cause=id, data=place, reason=reason)

    def state(self, at: float, id: str, before: str, after: str) -> list[Event]:
        return self.row(at, "callback", id, before, after)

    def agent(self, at: float, before: str | None, after: str, entry: str = "", reason: str = "") -> list[Event]:
        about = {"token": "rs1", "entry": entry} if entry else {}
        return self.row(at, "agent", "ann", before, after, cause=entry, data=about, reason=reason)


def micros(at: float) -> int:
    return round((T + at) * 1e6)


def test_a_live_call_joins_is_served_and_frees_its_agent_after_wrap_up() -> None:
    told = Journal()
    assert told.agent(-60, "offline", "available") == [Came(T - 60, "ann")]
    assert told.call(0, "CA1", None, "arrived") == [Joined(T, "CA1", Kind("support"), since=T)]
    assert told.call(5, "CA1", "arrived", "waiting") == []
    assert told.call(30, "CA1", "waiting", "reserved") == []
    assert told.agent(30, "available", "reserved", "CA1") == [Served(T + 30, "CA1", "ann")]
    assert told.agent(34, "reserved", "busy", "CA1") == []
    assert told.retelling.connect_s == 4
    assert told.agent(200, "busy", "wrap_up", "CA1") == []
    assert told.call(200, "CA1", "bridged", "completed") == []
    assert told.agent(220, "wrap_up", "available") == [Freed(T + 220, "CA1")]
    assert told.retelling.places == {}


def test_a_caller_with_a_credit_stands_before_others_and_is_of_another_kind() -> None:
    told = Journal()
    [joined] = told.call(0, "CA1", None, "arrived", credit=300)
    assert (joined.credit, joined.since, joined.kind) == (300, T, Kind("support", "300"))


def test_who_hangs_up_has_given_up_and_who_takes_a_promise_goes_on_in_the_same_place() -> None:
    told = Journal()
    told.call(0, "CA1", None, "arrived")
    told.call(1, "CA2", None, "arrived", joined=1)
    assert told.call(9, "CA2", "arrived", "abandoned", joined=1) == [Left(T + 9, "CA2", gave_up=True)]
    assert told.call(40, "CA1", "arrived", "callback") == [Left(T + 40, "CA1", gave_up=False)]
    assert told.promise(40, "cb1", None, "due", reason="callback") == [
        Joined(T + 40, "cb1", Kind("support"), since=T, callback=True)
    ]


def test_a_promise_that_was_not_reached_joins_again_when_it_is_due() -> None:
    told = Journal()
    told.promise(0, "cb1", None, "due")
    assert told.agent(10, "available", "reserved", "cb1") == [Came(T + 10, "ann"), Served(T + 10, "cb1", "ann")]
    assert told.agent(35, "reserved", "available", "cb1") == [Freed(T + 35, "cb1")]
    assert told.promise(35, "cb1", "reserved", "later") == []
    assert [one.entry for one in told.retelling.line("support")] == ["cb1"]
    assert told.promise(335, "cb1", "later", "due") == [Joined(T + 335, "cb1", Kind("support"), since=T, callback=True)]


def test_who_is_rung_ahead_of_a_free_agent_keeps_standing() -> None:
    told = Journal()
    told.promise(0, "cb1", None, "due")
    assert told.state(20, "cb1", "waiting", "reserved") == []
    assert told.promise(20, "cb1", "due", "later") == []
    assert told.state(21, "cb1", "reserved", "dialing") == []
    assert told.state(29, "cb1", "dialing", "answered") == []
    assert told.promise(30, "cb1", "later", "hold") == []
    assert told.agent(31, "available", "reserved", "cb1")[-1] == Served(T + 31, "cb1", "ann")


def test_who_was_rung_ahead_in_vain_waits_for_their_next_time_off_the_floor() -> None:
    told = Journal()
    told.promise(0, "cb1", None, "due")
    told.state(20, "cb1", "waiting", "reserved")
    told.promise(20, "cb1", "due", "later")
    assert told.state(45, "cb1", "dialing", "waiting") == [Left(T + 45, "cb1", gave_up=False)]
    assert [(one.entry, one.place) for one in told.retelling.line("support")] == [("cb1", "later")]
    again = Joined(T + 345, "cb1/2", Kind("support"), since=T, callback=True)
    assert told.promise(345, "cb1", "later", "due") == [again]


def test_nobody_waits_through_quiet_hours() -> None:
    told = Journal()
    told.promise(0, "cb1", None, "due")
    assert told.promise(20, "cb1", "due", "later") == [Left(T + 20, "cb1", gave_up=False)]
    assert told.promise(8 * 3600, "cb1", "later", "due")[0].at == T + 8 * 3600


def test_a_caller_who_was_cut_off_stands_again_while_the_agent_wraps_up() -> None:
    told = Journal()
    told.call(0, "CA1", None, "arrived")
    told.agent(10, "available", "reserved", "CA1")
    told.agent(12, "reserved", "busy", "CA1")
    told.agent(15, "busy", "wrap_up", "CA1")
    assert told.call(15, "CA1", "bridged", "waiting") == [Joined(T + 15, "CA1/2", Kind("support"), since=T)]
    assert told.agent(35, "wrap_up", "available") == [Freed(T + 35, "CA1")]
    assert told.agent(36, "available", "reserved", "CA1") == [Served(T + 36, "CA1/2", "ann")]


def test_agents_who_go_away_free_their_caller_and_are_not_at_work() -> None:
    told = Journal()
    told.call(0, "CA1", None, "arrived")
    told.agent(10, "available", "reserved", "CA1")
    assert told.agent(90, "busy", "away", "CA1") == [Freed(T + 90, "CA1"), Went(T + 90, "ann")]
    assert told.agent(95, "away", "offline") == []


def test_a_promise_that_is_moved_joins_in_its_new_place() -> None:
    told = Journal()
    told.promise(0, "cb1", None, "due")
    moved = told.promise(50, "cb1", "due", "due", joined=-600)
    assert moved[0] == Left(T + 50, "cb1", gave_up=False)
    assert (moved[1].since, moved[1].call) == (T - 600, "cb1/2")


def test_a_line_that_was_emptied_goes_on_with_whoever_is_told_of_again() -> None:
    told = Journal()
    told.promise(0, "cb1", None, "due")
    told.call(1, "CA1", None, "arrived", joined=1)
    told.call(2, "CA2", None, "arrived", joined=2)
    told.agent(3, "available", "reserved", "CA2")
    told.row(10, "queue", "line", None, "cleared", queue="")
    assert told.agent(10, None, "offline", reason="configured") == []
    restored = {"places": [["support", "cb1", "due", micros(0), micros(0)]]}
    assert told.row(11, "queue", "line", None, "restored", queue="", data=restored) == []
    assert told.agent(12, "offline", "reserved", "CA2", reason="resumed") == []
    assert told.promise(100, "cb9", None, "due", joined=90)[0] == Left(T + 100, "CA1", gave_up=False)
    assert sorted(told.retelling.places) == ["cb1", "cb9"]


def test_rows_that_nobody_understands_are_counted_and_passed_over() -> None:
    told = Journal()
    assert told.row(0, "call", "CA1", None, "levitated") == []
    assert told.row(0, "call", "CA1", None, "arrived") == []  # without a place
    assert told.row(0, "agent", "ann", None, "asleep") == []
    assert told.row(0, "callback", "cb1", None, "waiting") == []
    assert told.row(0, "queue", "support", "1", "policy") == []
    assert told.retelling.unread == 3


def test_an_agent_taken_for_somebody_unknown_is_at_work_and_no_more() -> None:
    assert Journal().agent(0, "available", "reserved", "CA77") == [Came(T, "ann")]


def test_the_line_itself_corrects_ghosts_and_whoever_was_missed_but_nothing_recent() -> None:
    told = Journal()
    told.promise(0, "cb1", None, "due")
    told.promise(95, "cb2", None, "due", joined=95)
    there = [("CA7", "hold", micros(20), T + 20), ("CA8", "hold", micros(98), T + 98)]
    events = told.retelling.correct("support", there, T + 100, 10)
    assert events[0] == Left(T + 100, "cb1", gave_up=False)
    assert [event.call for event in events[1:] if isinstance(event, Joined)] == ["CA7"]
    assert sorted(told.retelling.places) == ["CA7", "cb2"]


def test_the_line_itself_says_who_is_at_work() -> None:
    told = Journal()
    told.agent(0, "offline", "available")
    assert told.retelling.attend({"bob"}, T + 9) == [Came(T + 9, "bob"), Went(T + 9, "ann")]


def test_queues_that_share_an_agent_are_one_pool() -> None:
    found = pools([("ann", ["a", "b"]), ("bob", ["b", "c"]), ("eve", ["d"])], ["a", "b", "c", "d", "e"])
    assert found == {"a": ("a", "b", "c"), "b": ("a", "b", "c"), "c": ("a", "b", "c"), "d": ("d",), "e": ("e",)}
