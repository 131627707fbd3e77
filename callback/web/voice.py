"""The carrier's door: every webhook of a call, verified, answered once, with a document that always makes sense.

The table of steps is `flows.journey`. Here a request becomes a `Hook`, and a `Script` becomes TwiML. Whatever fails
behind it, the caller hears something sensible, and keeps the place that their own URL carries.
"""

from dataclasses import replace

import structlog
from flask import Blueprint, Response, request

from callback.adapters.patience import Within, at_least
from callback.adapters.telephony import twiml
from callback.adapters.telephony.urls import NONCE
from callback.domain.dialogue import HangUp, Prompt, Script, Speak
from callback.flows import journey, trouble
from callback.flows.hook import Hook
from callback.ports import House
from callback.web.context import house
from callback.web.guards import carrier_signature
from callback.web.lane import Lane
from callback.web.options import WebOptions
from callback.web.problems import unreachable
from callback.web.webhooks import Answer, Check, Guard

XML = "text/xml; charset=utf-8"
ARRIVAL = "incoming"
BUDGET_S = 0.8
"""What all backends together may cost one document, for which somebody listens to silence."""
REPORT_S = 1.5
"""The same for a report. Nobody hears it, and the carrier sends it once: one that is refused costs the agent it frees
the time until the carrier is asked (`docs/protocol.md`)."""
SORRY_S = 0.2
"""What is left in any case to find out whether something was promised after all, before an apology: with it, all of
them may cost a second."""
_log = structlog.get_logger("callback.voice")


def blueprint() -> Blueprint:
    """`POST /voice/<step>`."""
    door = Blueprint("voice", __name__)
    Guard(door)
    door.add_url_rule("/voice/<path:step>", view_func=carrier_signature(step), methods=["POST"])
    return door


def lane(house: House, options: WebOptions) -> Lane:
    """The same door without the framework around it."""
    return Lane(house, Check(options), answer)


def step(step: str) -> Response:
    """One webhook."""
    return answer(house(), step, Hook(request.form, request.args)).response()


def answer(home: House, step: str, hook: Hook) -> Answer:
    """What one webhook gets back within its budget: the next document, or nothing for a report."""
    with Within(REPORT_S if step in journey.REPORTS else BUDGET_S):
        return answered(home, step, hook)


def answered(home: House, step: str, hook: Hook) -> Answer:
    """The same, however long it takes."""
    if step in journey.REPORTS:
        journey.REPORTS[step](home, hook)
        return Answer(204)
    if step not in journey.DOCUMENTS:
        return Answer(404, "no such step")
    return Answer(200, document(home, step, hook), XML)


def document(home: House, step: str, hook: Hook) -> str:
    """The TwiML of one step. A repeated request of the same document gets the same text."""

    if step == ARRIVAL:
        hook = replace(hook, came_at=home.clock.now())  # their place counts from here, whatever fails behind this door

    def compute() -> str:
        try:
            return worded(home, journey.DOCUMENTS[step](home, hook))
        except Exception as error:  # noqa: BLE001 -- logged; the caller must hear something, whatever it was
            note(error, "step failed", step, hook)
            return sorry(home, step, hook)

    nonce = hook.query.get(NONCE)
    if nonce is None or step in journey.REPEATABLE:
        return compute()
    return home.once.document(f"{nonce}:{hook.call}", compute)


def note(error: Exception, event: str, step: str, hook: Hook) -> None:
    """A defect is logged whole, a backend that is away in a line: a crowd meets it at once, and traces take time."""
    if unreachable(error):
        _log.warning(event, step=step, call=hook.call, error=type(error).__name__, why=str(error))
    else:
        _log.error(event, step=step, call=hook.call, exc_info=error)


def sorry(home: House, step: str, hook: Hook) -> str:
    """Trouble of ours is heard as an apology on hold, never as silence; if even that fails, as a goodbye."""
    try:
        with at_least(SORRY_S):
            return worded(home, trouble.trouble(home, hook, step))
    except Exception as error:  # noqa: BLE001 -- as above
        note(error, "apology failed", step, hook)
        return twiml.render(Script("en", (Speak((Prompt("trouble_bye"),)), HangUp())), home.urls)


def worded(home: House, script: Script) -> str:
    """A script in the words of its queue."""
    return twiml.render(script, home.urls, wording=home.book.wording(script.queue))
