"""The order that an audit keeps is the order of a sorted list, whatever is done to it."""

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback.domain.audit.ranked import Key, Ranked

keys = st.tuples(st.integers(0, 9), st.sampled_from("abc"))


@given(st.lists(st.tuples(st.booleans(), keys), max_size=80), keys, keys)
def test_it_counts_and_lists_as_a_sorted_list_does(steps: list[tuple[bool, Key]], low: Key, high: Key) -> None:
    kept: list[Key] = []
    order = Ranked(chunk=3)  # so that a short list has several chunks
    for add, key in steps:
        if add and key not in kept:
            order.add(key)
            kept = sorted([*kept, key])
        elif not add and key in kept:
            order.remove(key)
            kept.remove(key)
    assert len(order) == len(kept)
    assert order.first() == (kept[0] if kept else None)
    assert order.count_below(high) == bisect_left(kept, high)
    assert list(order.between(None, high)) == [key for key in kept if key < high]
    assert list(order.between(low, high)) == [key for key in kept if low <= key < high]


def test_what_is_not_there_cannot_be_taken_out() -> None:
    order = Ranked()
    with pytest.raises(KeyError):
        order.remove((1, "a"))
    order.add((1, "a"))
    for missing in ((1, "b"), (0, "a")):
        with pytest.raises(KeyError):
            order.remove(missing)
