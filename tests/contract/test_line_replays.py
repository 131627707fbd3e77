"""A call arrives once: whatever says that it arrives after it has left is a replay."""

import pytest

from callback.domain.lifecycle import AgentStatus
from tests.support.line_scene import Scene


@pytest.mark.parametrize("reason", ["abandoned", "callback"])
def test_a_call_that_has_left_the_line_does_not_arrive_again(scene: Scene, reason: str) -> None:
    scene.arrive("CA1")
    scene.leave("CA1", reason=reason)
    scene.staff("ann")
    scene.presence("ann")
    again = scene.arrive("CA1")
    assert (again.place, again.position, again.reservation, again.joined_at) == ("", None, None, None)
    assert scene.order() == []
    assert scene.status("ann") is AgentStatus.AVAILABLE
    assert [move for move in scene.moves() if move[0] == "CA1"] == [
        ("CA1", None, "arrived"),
        ("CA1", "arrived", reason),
    ]


def test_a_replayed_arrival_still_tells_of_the_numbers_open_promise(scene: Scene) -> None:
    scene.enter("cb1", number="hash")
    scene.arrive("CA1", number="hash")
    scene.leave("CA1", reason="callback")
    assert scene.arrive("CA1", number="hash").open_callback == "cb1"
