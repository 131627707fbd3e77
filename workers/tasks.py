"""The tasks: each calls one flow. They carry ids only, may run twice, and may be lost."""

from callback.domain.ids import AttemptId, CallSid, Token
from callback.flows import condition, epoch, lessons, reports
from callback.flows import erase as erasing
from callback.flows import persist as persisting
from callback.flows import planned as planning
from callback.flows import rebuild as rebuilding
from callback.flows import said as saying
from callback.flows import stand_again as standing
from callback.flows import sweep as sweeping
from callback.flows import tasks as doing
from workers.celery import (
    EFFECT_S,
    ERASE_S,
    FORGET_SAID_S,
    KEEP_SAID_S,
    LEARN_S,
    MEND_S,
    REPORT_S,
    STAND_AGAIN_S,
    app,
    house,
    settings,
)
from workers.rounds import Rounds

REBUILD_S = 1800
"""The time limit of a rebuild, far above any: one that is cut short begins anew, and would never end."""
rounds = Rounds()


@app.task(name="workers.tasks.connect")
def connect(token: str, paced: bool = False) -> None:
    """Act on a reservation."""
    doing.connect(house(), Token(token), paced=paced)


@app.task(name="workers.tasks.dial_customer")
def dial_customer(attempt: str, paced: bool = False) -> None:
    """agent_first: ring the caller."""
    doing.dial_customer(house(), AttemptId(attempt), paced=paced)


@app.task(name="workers.tasks.hang_up")
def hang_up(call: str, tries: int = 0) -> None:
    """End a leg."""
    doing.hang_up(house(), CallSid(call), tries=tries)


@app.task(name="workers.tasks.redirect")
def redirect(call: str, url: str, or_end: bool = False) -> None:
    """Send a leg to another document; one that is gone needs none."""
    doing.redirect(house(), CallSid(call), url, or_end=or_end)


@app.task(name="workers.tasks.text")
def text(id: str) -> None:
    """Send a text."""
    doing.text(house(), id)


@app.task(name="workers.tasks.erase")
def erase() -> int:
    """Go on with those who want to be forgotten, and with what is too old to name anybody; how many rows that was."""
    if not rounds.begins("erase", ERASE_S):
        return 0
    return erasing.keep(house()) + erasing.forget_old(house())


@app.task(name="workers.tasks.persist")
def persist() -> int:
    """Write live calls and agents to the record, and see whether the line is the one it was."""
    condition.line_is(house(), epoch.tick(house()))
    return persisting.persist(house())


@app.task(name="workers.tasks.learn")
def learn() -> int:
    """Learn how long rings, keys, talks and wrap-ups last; returns how many rows of the journal were new."""
    return lessons.learn(house()) if rounds.begins("learn", LEARN_S) else 0


@app.task(name="workers.tasks.report")
def report() -> int:
    """Count what is new for the reports; returns how many rows of the journal that was."""
    return reports.keep(house()) if rounds.begins("report", REPORT_S) else 0


@app.task(name="workers.tasks.mend_reports")
def mend_reports() -> int:
    """Add up again the months of the reports that are not what their days are; returns how many that was."""
    return len(reports.mend(house())) if rounds.begins("mend_reports", MEND_S) else 0


@app.task(name="workers.tasks.keep_said")
def keep_said() -> int:
    """Write down what callers were told, and what became of it; returns how many predictions were new."""
    return saying.record(house()) if rounds.begins("keep_said", KEEP_SAID_S) else 0


@app.task(name="workers.tasks.forget_said")
def forget_said() -> int:
    """Delete a slice of the predictions that are too old to be kept."""
    return saying.forget_old(house()) if rounds.begins("forget_said", FORGET_SAID_S) else 0


@app.task(name="workers.tasks.rebuild", soft_time_limit=REBUILD_S, time_limit=REBUILD_S + 60)
def rebuild() -> int:
    """Fill the line again, if it was lost; returns how many promises stand in it again."""
    done = rebuilding.rebuild_if_lost(house())
    return done.waiting if done else 0


@app.task(name="workers.tasks.sweep")
def sweep() -> None:
    """Find whatever died between two steps."""
    if not rounds.begins("sweep", settings().sweep_s):
        return
    with condition.round_of_the_sweep(house()):
        sweeping.sweep(house())


@app.task(name="workers.tasks.stand_again")
def stand_again() -> int:
    """Put the record's promises back where the line has lost them."""
    if not rounds.begins("stand_again", STAND_AGAIN_S):
        return 0
    return standing.stand_again(house())


@app.task(name="workers.tasks.take_effect")
def take_effect() -> int:
    """Put in force what was planned for now; returns how many versions of policies that made."""
    return planning.put_in_force(house()) if rounds.begins("take_effect", EFFECT_S) else 0
