"""What is served to newcomers and to those in line, on recorded traffic."""

import pytest

from callback.lab import scenarios, served


def test_a_newcomer_is_told_what_the_floor_would_tell_them_in_line() -> None:
    rows, _ = scenarios.traffic(scenarios.SCENARIOS[0], 900, seed=2)
    found = served.run(rows, 500, {})
    assert found.looked_up is not None
    assert found.asked is not None
    assert found.standing is not None
    assert found.looked_up.calls == pytest.approx(found.asked.calls, rel=0.05)
    assert found.looked_up.mae == pytest.approx(found.asked.mae, rel=0.1)
    assert found.standing.calls > 0
