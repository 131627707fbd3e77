"""The tasks: each calls one flow. They carry ids only, may run twice, and may be lost."""

from callback.domain.ids import AttemptId, CallSid, Token
from callback.flows import condition
from callback.flows import persist as persisting
from callback.flows import stand_again as standing
from callback.flows import sweep as sweeping
from callback.flows import tasks as doing
from workers.celery import app, house


@app.task(name="workers.tasks.connect")
def connect(token: str, paced: bool = False) -> None:
    """Act on a reservation."""
    doing.connect(house(), Token(token), paced=paced)


@app.task(name="workers.tasks.dial_customer")
def dial_customer(attempt: str, paced: bool = False) -> None:
    """agent_first: ring the caller."""
    doing.dial_customer(house(), AttemptId(attempt), paced=paced)


@app.task(name="workers.tasks.hang_up")
def hang_up(call: str) -> None:
    """End a leg."""
    doing.hang_up(house(), CallSid(call))


@app.task(name="workers.tasks.redirect")
def redirect(call: str, url: str) -> None:
    """Send a leg to another document; one that is gone needs none."""
    doing.redirect(house(), CallSid(call), url)


@app.task(name="workers.tasks.text")
def text(id: str) -> None:
    """Send a text."""
    doing.text(house(), id)


@app.task(name="workers.tasks.persist")
def persist() -> int:
    """Write live calls and agents to the record."""
    return persisting.persist(house())


@app.task(name="workers.tasks.sweep")
def sweep() -> None:
    """Find whatever died between two steps."""
    with condition.round_of_the_sweep(house()):
        sweeping.sweep(house())


@app.task(name="workers.tasks.stand_again")
def stand_again() -> int:
    """Put the record's promises back where the line has lost them."""
    return standing.stand_again(house())
