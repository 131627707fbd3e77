"""The trace CSV: what is read, and what is refused with the line and the remedy."""

from zoneinfo import ZoneInfo

import pytest

from callback.lab import trace
from callback.lab.trace import Outcome, TraceError
from tests.support.traffic import HEADER

GOOD = "1,q,vip,2026-03-02T09:00:00,answered,12,60,ann"


def read(*lines: str, header: str = HEADER) -> list[trace.Row]:
    return trace.parse([f"{line}\n" for line in (header, *lines)])


def test_a_row_is_read_with_all_it_says() -> None:
    (row,) = read(GOOD)
    assert (row.call_id, row.queue, row.priority, row.agent) == ("1", "q", "vip", "ann")
    assert (row.outcome, row.waited_s, row.handled_s) == (Outcome.ANSWERED, 12, 60)
    assert row.written == "2026-03-02T09:00:00"


def test_columns_may_stand_in_any_order_and_extra_ones_are_kept() -> None:
    (row,) = read("NE,ann,60,12,answered,2026-03-02T09:00:00,,q,1", header="type," + ",".join(HEADER.split(",")[::-1]))
    assert row.extra == {"type": "NE"}
    assert row.waited_s == 12


def test_a_time_without_a_zone_is_the_queues() -> None:
    (utc,) = read(GOOD)
    (there,) = trace.parse([HEADER, GOOD], zone=ZoneInfo("Asia/Shanghai"))
    (named,) = read(GOOD.replace("09:00:00", "09:00:00+08:00"))
    assert utc.at - there.at == 8 * 3600
    assert there.at == named.at


def test_rows_come_in_the_order_of_arrival() -> None:
    assert [row.call_id for row in read(GOOD, GOOD.replace("1,", "2,", 1).replace("T09", "T08"))] == ["2", "1"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (GOOD.replace("1,", ",", 1), "line 2: call_id is empty: give every row an id"),
        (GOOD.replace("2026-03-02", "yesterday "), "is no time: write it like 2026-03-02T09:00:00"),
        (GOOD.replace("answered", "lost"), "outcome 'lost' is unknown: write answered, abandoned, callback"),
        (GOOD.replace(",12,", ",-1,"), "waited_s '-1' is no duration: write seconds, 0 or more"),
        (GOOD.replace(",60,", ",nan,"), "handled_s 'nan' is no duration"),
        (GOOD + ",more", "more or fewer cells than the header"),
        ("1,q,vip", "more or fewer cells than the header"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line_and_the_remedy(line: str, said: str) -> None:
    with pytest.raises(TraceError, match="line 2") as refused:
        read(line)
    assert said in str(refused.value)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(TraceError, match="no column agent: the header must name"):
        read(header=HEADER.replace(",agent", ""))


def test_an_id_may_stand_only_once() -> None:
    with pytest.raises(TraceError, match="call_id '1' stands twice"):
        read(GOOD, GOOD)


def test_no_more_than_five_mistakes_are_told() -> None:
    with pytest.raises(TraceError) as refused:
        read(*(GOOD.replace("answered", "lost") for _ in range(20)))
    assert str(refused.value).count("line ") == 5
