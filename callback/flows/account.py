"""Whether the carrier lets us call at all: found out once for the whole house, and tried again by one worker at a time.

A refusal of the account itself (its credentials, a suspension) or of one caller id has nothing to do with the callback
that met it. So the first worker that meets one leaves a notice for all. While it hangs, promises rest in their places
and no agent is reserved for them. The rest lasts as long again as the trouble has lasted (two seconds to a minute);
then promises are paired again, and the first that comes up is the probe. Where nobody comes up, a question that dials
nobody takes its place. A success takes the notice down.
"""

from datetime import datetime, timedelta

import structlog

from callback.domain.callback import Entry
from callback.domain.ids import QueueKey
from callback.domain.policy import Queue
from callback.flows.book import caller_id
from callback.ports import CarrierBusy, CarrierError, CarrierStopped, House, Notice, OutcomeUnknown

ACCOUNT = "carrier"
"""The notice about the account as a whole; `carrier:NUMBER` is about one caller id."""
BUSY, SILENT = "busy", "silent"
"""Notices about a carrier that has too much to do (429), and one that does not answer or fails (5xx)."""
STOPPED = "stopped"
OF_A_CALLER_ID = frozenset({21210, 21212})
"""Refusals that concern the number we call from."""
FIRST_REST_S, LONGEST_REST_S = 2.0, 60.0
PROBE_S = 15.0
"""The longest that one creation takes: within it nobody else probes."""
UNPROBED_S = 10.0
"""How long a probe waits for a promise and a free agent before it is made without either."""
PAUSED = "paused"
"""The figure on the board that says whether promises of some queue rest."""
_log = structlog.get_logger("callback.carrier")


# --- what is known ----------------------------------------------------------------------------------------------


def stopped(house: House, own: str | None) -> Notice | None:
    """The notice that keeps us from calling from the number `own`."""
    picture = house.board.read()
    return picture.notice(ACCOUNT) or (picture.notice(f"{ACCOUNT}:{own}") if own else None)


def next_try(notice: Notice) -> datetime:
    """When the carrier is tried again: after as long as the trouble has lasted, within limits."""
    rest_s = min(max((notice.last - notice.since).total_seconds(), FIRST_REST_S), LONGEST_REST_S)
    return notice.last + timedelta(seconds=rest_s)


def may_dial(house: House, queue: Queue) -> bool:
    """Whether a worker may ask the carrier for a call of `queue` now. While it is stopped: one of all, when it is time;
    and everybody else's promises rest until that one has its answer."""
    notice = stopped(house, caller_id(house, queue))
    if notice is None:
        return True
    due = house.clock.now() >= next_try(notice)
    let_rest(house, notice.key)
    return due and house.board.claim(notice.key, PROBE_S)


# --- what the carrier said --------------------------------------------------------------------------------------


def refused(house: House, own: str | None, error: CarrierError) -> None:
    """The carrier refused a call, text or change. `own` is the number it was to come from."""
    key = f"{ACCOUNT}:{own}" if own and error.code in OF_A_CALLER_ID else ACCOUNT
    new = house.board.post(key, STOPPED, f"error {error.code}", now=house.clock.now())
    house.board.unclaim(key)
    if new:
        alert(house, STOPPED, f"{error}", f"carrier error {error.code}")
        _log.error("carrier.stopped", code=error.code, concerns="a caller id" if key != ACCOUNT else "the account")
    let_rest(house, key)


def strained(house: House, own: str | None, word: str, error: CarrierError) -> None:
    """It was too busy, or nobody knows what came of the question: noticed, and no answer to a probe."""
    now = house.clock.now()
    house.board.post(word, word, f"{error}"[:120], now=now)
    notice = stopped(house, own)
    if notice is not None:
        house.board.post(notice.key, STOPPED, notice.why, now=now)
        house.board.unclaim(notice.key)


def noticed(house: House, own: str | None, error: CarrierError) -> None:
    """What an error of the carrier says about more than the call that met it."""
    match error:
        case CarrierStopped():
            refused(house, own, error)
        case CarrierBusy():
            strained(house, own, BUSY, error)
        case OutcomeUnknown():
            strained(house, own, SILENT, error)


def accepted(house: House, own: str | None) -> None:
    """The carrier did what it was asked: whatever was noticed is over."""
    picture = house.board.read()
    for key in (ACCOUNT, f"{ACCOUNT}:{own}", BUSY, SILENT):
        if picture.notice(key) is None:
            continue
        over = house.board.clear(key)
        house.board.unclaim(key)
        if over is not None and over.word == STOPPED:
            works_again(house, over)


def works_again(house: House, over: Notice) -> None:
    """Said once, and everybody is paired again."""
    now = house.clock.now()
    lasted_s = round((now - over.since).total_seconds())
    _log.error("carrier.works_again", after_s=lasted_s)
    alert(house, "working", f"the carrier accepts calls again, after {lasted_s} s", over.why)
    tend(house)


def alert(house: House, to: str, message: str, cause: str) -> None:
    """On record, where the console and programs see it."""
    with house.store.begin() as work:
        work.write(Entry(house.clock.now(), "queue", "carrier", None, to, message, cause))


# --- who rests --------------------------------------------------------------------------------------------------


def let_rest(house: House, key: str) -> None:
    """Promises that a notice concerns are not paired."""
    house.board.count(**{PAUSED: 1})
    for queue in house.line.configuration()[1]:
        if key in (ACCOUNT, f"{ACCOUNT}:{caller_id(house, queue)}"):
            house.line.set_dialing(QueueKey(queue.key), False, now=house.clock.now())


def tend(house: House) -> None:
    """Once in every round of the sweep: who may be paired is, and a probe that nobody comes up for is made."""
    picture = house.board.read()
    notices = [notice for notice in picture.notices if notice.word == STOPPED]
    if not notices and not picture.counts.get(PAUSED):
        return
    queues = house.line.configuration()[1]
    used = {f"{ACCOUNT}:{caller_id(house, queue)}" for queue in queues}
    for notice in notices:
        if notice.key != ACCOUNT and notice.key not in used:
            house.board.clear(notice.key)  # nobody calls from that number any more
        elif house.clock.now() >= next_try(notice) + timedelta(seconds=UNPROBED_S):
            probe(house, notice)
    for queue in queues:
        house.line.set_dialing(QueueKey(queue.key), may_pair(house, queue), now=house.clock.now())
    if not any(notice.word == STOPPED for notice in house.board.read().notices):
        house.board.count(**{PAUSED: 0})


def may_pair(house: House, queue: Queue) -> bool:
    """Whether promises of `queue` are paired now."""
    notice = stopped(house, caller_id(house, queue))
    return queue.policy.dialing and (notice is None or house.clock.now() >= next_try(notice))


def probe(house: House, notice: Notice) -> None:
    """Ask the carrier something that dials nobody. Its answer is no proof that it dials, but nothing speaks against it
    any more, and the next promise tells."""
    if not house.board.claim(notice.key, PROBE_S):
        return
    own = notice.key.removeprefix(f"{ACCOUNT}:") if notice.key != ACCOUNT else None
    some = own or next((number for queue in house.line.configuration()[1] for number in queue.numbers), "")
    try:
        house.carrier.calls(to=some, from_=some, since=house.clock.now())
    except CarrierStopped as error:
        refused(house, own, error)
    except CarrierError as error:
        strained(house, own, SILENT, error)
    else:
        accepted(house, own)
