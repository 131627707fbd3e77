"""What a desk has asked the carrier for and has not shown yet: asked for again, and given up after a while.

A leg that was sent to a document asks for it within a second. Where it does not, or where the carrier never answered,
nobody knows whether it was sent. Sending it there once more changes nothing if it was, so that is how the carrier is
asked. The agent's page says so meanwhile. In the end the wish is taken back, and the buttons are there again.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from callback.domain.desk import PASSED, Stage, Talk, Wish
from callback.flows import consult, parted, reconcile, silence, talks
from callback.flows.hook import moment
from callback.flows.parted import Said
from callback.flows.poison import Item, Round
from callback.ports import House, Reservation

SOON = timedelta(seconds=3)
"""What has not shown by then is asked for again, and each time it passes."""
LONGEST = timedelta(seconds=20)
"""Longer than the carrier waits for any document."""
STEP = "asking again"


def look(house: House, going: Round) -> int:
    """One round of the sweep; how many were looked at."""
    now = house.clock.now()
    left = house.board.read().counts.get(silence.ROUND)
    before = now - SOON if left is None else moment(left)
    with house.store.look() as work:
        found = work.asked_talks(before=now - SOON)
    for talk in found:
        going.each(Item("call", talk.call, talk.queue, STEP), partial(look_at, house, talk, before), None)
    return len(found)


def look_at(house: House, talk: Talk, before: datetime) -> None:
    """Asked again, or given up; `before` was the round before."""
    pairing = house.line.reservation(talk.token)
    if pairing is None or pairing.phase != "busy" or talk.asked_at is None:
        talks.change(house, talk.token, lambda found: replace(found, asked_at=None))
        return
    now = house.clock.now()
    if now - talk.asked_at > LONGEST:
        talks.change(house, talk.token, given_up)
    elif reconcile.look_again(now, talk.asked_at, SOON, before):
        said = parted.sent(again(house, pairing, talk))
        if said is Said.NOT_NOW:
            talks.change(house, talk.token, given_up)


def again(house: House, pairing: Reservation, talk: Talk) -> Callable[[], None]:
    """Which leg goes where."""
    leg, url = talk.call, partial(parted.caller_url, house, pairing)
    if talk.wish in PASSED:
        pass
    elif parted.joining(talk):
        leg, url = talk.other_leg, partial(consult.other_url, house, talk)
    elif talk.stage is Stage.CONSULT:
        leg, url = talk.agent_leg, partial(consult.consult_url, house, talk)
    elif talk.agent_room != talk.room:
        leg, url = talk.agent_leg, partial(parted.room_url, house, talk)
    return lambda: house.carrier.redirect(leg, url())


def given_up(talk: Talk) -> Talk | None:
    """Whoever was to be passed on is not, unless their leg has come to know of it; anything else stays as it was
    wished, and can be wished again."""
    if talk.asked_at is None or talk.passed_at is not None:
        return None
    wish = talk.wish
    if wish in PASSED:
        wish = Wish.HOLD if talk.agent_room == talk.room > 0 else Wish.NONE
    stage = Stage.CONSULT if parted.joining(talk) else talk.stage
    return replace(talk, wish=wish, stage=stage, asked_at=None)
