"""Why something happened, as the journal keeps it, in the reader's language.

What is kept never changes with a translation: it is English, or a word of the line. A reason that a person wrote is
shown as they wrote it.
"""

import re
from collections.abc import Callable
from typing import Final

from callback.domain.workday import Unanswered
from callback.web import words
from callback.web.catalogue import gettext

_SAID: Final[dict[str, Callable[[], str]]] = {
    # in the record's words
    "the agent is on the line": lambda: gettext("the agent is on the line"),
    "an agent will probably be free": lambda: gettext("an agent will probably be free"),
    "somebody will probably be free when they answer": lambda: gettext(
        "somebody will probably be free when they answer"
    ),
    "another number, proved by code": lambda: gettext("another number, proved by code"),
    "another number, proved by its own code alone": lambda: gettext("another number, proved by its own code alone"),
    "cancelled on the caller's page": lambda: gettext("cancelled on the caller's page"),
    "cancelled through the API": lambda: gettext("cancelled through the API"),
    "removed by a supervisor": lambda: gettext("removed by a supervisor"),
    "no longer needed": lambda: gettext("no longer needed"),
    "the caller did not ask for it": lambda: gettext("the caller did not ask for it"),
    "erased at their wish": lambda: gettext("erased at their wish"),
    "given up after failures on our side": lambda: gettext("given up after failures on our side"),
    "stop everything": lambda: gettext("stop everything"),
    "it failed, and rests": lambda: gettext("it failed, and rests"),
    "set aside": lambda: gettext("set aside"),
    Unanswered.DECLINED: lambda: gettext("declined the call"),
    Unanswered.MISSED: lambda: gettext("missed the ring"),
    Unanswered.LEFT: lambda: gettext("hung up before the caller"),
    "hung up on hold": lambda: gettext("hung up on hold"),
    "later, pressed at the answer": lambda: gettext("later, pressed at the answer"),
    "the caller asked for later": lambda: gettext("the caller asked for later"),
    "leg not ready": lambda: gettext("leg not ready"),
    "no longer on the line": lambda: gettext("no longer on the line"),
    "no word from the carrier": lambda: gettext("no word from the carrier"),
    "nobody could call back in time": lambda: gettext("nobody could call back in time"),
    "expired": lambda: gettext("expired"),
    "not reached": lambda: gettext("not reached"),
    "picked up": lambda: gettext("picked up"),
    "somebody else has answered": lambda: gettext("somebody else has answered"),
    "taken at the offer": lambda: gettext("taken at the offer"),
    "talked": lambda: gettext("talked"),
    "the agent was gone before they came": lambda: gettext("the agent was gone before they came"),
    "the agent's side was cut off": lambda: gettext("the agent's side was cut off"),
    "the caller rang in": lambda: gettext("the caller rang in"),
    "the caller is ready now": lambda: gettext("the caller is ready now"),
    "moved: the caller is ready now": lambda: gettext("moved: the caller is ready now"),
    "moved to the front": lambda: gettext("moved to the front"),
    "moved to the front, to be rung now": lambda: gettext("moved to the front, to be rung now"),
    "the carrier's answer is unknown": lambda: gettext("the carrier's answer is unknown"),
    "unknown outcome": lambda: gettext("unknown outcome"),
    "the dial was lost": lambda: gettext("the dial was lost"),
    "the leg is gone": lambda: gettext("the leg is gone"),
    "the promise is over": lambda: gettext("the promise is over"),
    "the reservation lapsed": lambda: gettext("the reservation lapsed"),
    "the time has come": lambda: gettext("the time has come"),
    "we may not ring this number": lambda: gettext("we may not ring this number"),
    "not to be dialled now": lambda: gettext("not to be dialled now"),
    "the number is in use": lambda: gettext("the number is in use"),
    "quiet hours": lambda: gettext("quiet hours"),
    "dialling": lambda: gettext("dialling"),
    "the consultation was called off": lambda: gettext("the consultation was called off"),
    "the configuration was published": lambda: gettext("the configuration was published"),
    "filled from the record": lambda: gettext("filled from the record"),
    "to be filled from the record": lambda: gettext("to be filled from the record"),
    # in the line's words
    "matched": lambda: gettext("paired with a free agent"),
    "bridged": lambda: gettext("they talk"),
    "completed": lambda: gettext("the talk is over"),
    "cut_off": lambda: gettext("cut off"),
    "back_in_line": lambda: gettext("back in line"),
    "resumed": lambda: gettext("paired again after a rebuild"),
    "rebuilt": lambda: gettext("the line was rebuilt"),
    "configured": lambda: gettext("the configuration changed"),
    "presence": lambda: gettext("as the agent wished"),
    "wrap_up_over": lambda: gettext("the wrap-up is over"),
    "handed_on": lambda: gettext("taken over from a colleague"),
    "abandoned": lambda: gettext("hung up while waiting"),
    "callback": lambda: gettext("took the offer"),
    "refused": lambda: gettext("turned away"),
    "arrived": lambda: gettext("arrived"),
}
_NAMED: Final[tuple[tuple[re.Pattern[str], Callable[[str], str]], ...]] = (
    (
        re.compile(r"asked for by (?P<name>.+)"),  # a way in which promises come about says so itself
        lambda name: words.word(name) if words.known(name) else gettext("asked for by %(name)s", name=name),
    ),
    (re.compile(r"talks with (?P<name>.+)"), lambda name: gettext("talks with %(name)s", name=name)),
    (re.compile(r"(?P<name>.+) is free"), lambda name: gettext("%(name)s is free", name=name)),
    (
        re.compile(r"(?P<name>.+) passed the caller on"),
        lambda name: gettext("%(name)s passed the caller on", name=name),
    ),
    (
        re.compile(r"(?P<name>.+) wrote down what came of a talk"),
        lambda name: gettext("%(name)s wrote down what came of a talk", name=name),
    ),
    (
        re.compile(r"the agent's phone could not be rung \((?P<name>.*)\)"),
        lambda name: gettext("the agent's phone could not be rung (%(name)s)", name=name),
    ),
)
"""Reasons with a name in them."""


def said(kept: object) -> str:
    """The reason as people read it."""
    text = str(kept or "")
    if text in _SAID:
        return _SAID[text]()
    for pattern, worded in _NAMED:
        found = pattern.fullmatch(text)
        if found is not None:
            return worded(found["name"])
    return words.word(text) if words.known(text) else text


def is_known(kept: str) -> bool:
    """Whether this is one of the product's own reasons, and not what somebody wrote."""
    return kept in _SAID or words.known(kept) or any(pattern.fullmatch(kept) for pattern, _ in _NAMED)
