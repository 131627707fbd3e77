"""What a wait rests on, as a sentence and as data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback.domain import basis
from callback.domain.basis import Basis, Ground

COUNTS = st.integers(0, 10**7)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (Basis(Ground.UNKNOWN), "unknown"),
        (Basis(Ground.FREE), "free"),
        (Basis(Ground.UNLEARNT, waits=1200), "simple rule: 1,200 waits seen, nothing learnt yet"),
        (basis.learnt(3214, 7, 1.0), "learnt from 3,214 waits, model 7"),
        (basis.learnt(900, 2, 0.75), "75% learnt from 900 waits, model 2, the rest by the simple rule"),
        (basis.learnt(900, 2, 0.0), "simple rule: better lately than what was learnt from 900 waits, model 2"),
    ],
)
def test_each_ground_has_its_sentence(found: Basis, sentence: str) -> None:
    assert str(found) == sentence


@given(count=COUNTS, handle_s=st.floats(1, 1e5).map(lambda seconds: float(f"{seconds:g}")), enough=st.integers(1, 50))
def test_what_was_measured_is_read_back_from_the_sentence(count: int, handle_s: float, enough: int) -> None:
    found = basis.talks(count, handle_s, enough)
    assert basis.read(str(found)) == found


@given(waits=COUNTS, model=COUNTS, share=st.floats(0, 1))
def test_what_was_learnt_is_read_back_from_the_sentence(waits: int, model: int, share: float) -> None:
    found = basis.learnt(waits, model, share)
    assert basis.read(str(found)) == found


def test_a_sentence_of_somebody_else_says_nothing() -> None:
    assert basis.read("qlm") is None
