"""Own wordings on both databases: the newest of each in force, every version kept, none written over."""

import pytest

from callback.adapters.store.sql_store import SqlStore
from callback.domain.errors import Stale
from callback.domain.wording import HOUSE, Wording
from tests.support.record import NOW

FIRST = Wording(HOUSE, "welcome", 1, {"en": ("Hello at {queue}.",)}, NOW, "sue@example.com", "friendlier")


def test_the_newest_version_of_each_wording_is_in_force_and_all_are_kept(store: SqlStore) -> None:
    second = Wording(HOUSE, "welcome", 2, {}, NOW, "ann@example.com")
    counted = Wording(
        "support", "hold_place", 1, {"en": ("Next.", "{position}."), "zh": ("第{position}位",)}, NOW, "a", "b"
    )
    with store.begin() as work:
        for one in (FIRST, second, counted):
            work.add_wording(one)
    with store.look() as work:
        assert work.wordings() == [second, counted]
        assert work.wording_versions(HOUSE, "welcome") == [second, FIRST]
        assert work.wording_versions(HOUSE, "welcome", limit=1) == [second]
        assert work.wording_versions("support", "welcome") == []


def test_of_two_who_save_the_same_version_one_is_refused(store: SqlStore) -> None:
    with store.begin() as work:
        work.add_wording(FIRST)
    with pytest.raises(Stale), store.begin() as work:
        work.add_wording(FIRST)
    with store.look() as work:
        assert work.wordings() == [FIRST]
