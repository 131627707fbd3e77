"""Ticks that waited together are one round; a tick that comes in time is a round, whatever any clock says."""

from workers.rounds import Rounds


def rounds_at(*moments: float, every_s: float = 1.0) -> list[float]:
    """At which of these moments a round begins."""
    times = iter(moments)
    rounds = Rounds(lambda: next(times))
    return [moment for moment in moments if rounds.begins("sweep", every_s)]


def test_ticks_in_their_time_are_rounds_each_even_if_they_jitter() -> None:
    assert rounds_at(0.0, 1.0, 1.9, 3.1, 4.0) == [0.0, 1.0, 1.9, 3.1, 4.0]


def test_of_ticks_that_waited_together_the_first_is_a_round() -> None:
    assert rounds_at(100.0, 100.001, 100.002, 100.6, 100.7) == [100.0, 100.6]


def test_the_first_tick_of_a_machine_that_has_just_started_is_a_round() -> None:
    assert rounds_at(0.0, every_s=900) == [0.0]


def test_each_kind_of_round_has_its_own_time() -> None:
    rounds = Rounds(lambda: 5.0)
    assert rounds.begins("sweep", 1)
    assert rounds.begins("stand_again", 15)
    assert not rounds.begins("sweep", 1)
