"""The moments of a call in which something is said, and of a callback in which a text is sent, in the order in which
people meet them and in plain words: what the page of prompts lists."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from callback.web.catalogue import gettext

Label = Callable[[], str]


@dataclass(frozen=True)
class Moment:
    """A sentence of the catalogue and when it is met. `everywhere`: it belongs to no queue."""

    sentence: str
    label: Label
    everywhere: bool = False


@dataclass(frozen=True)
class Group:
    """Moments that belong together."""

    name: str
    title: Label
    about: Label
    moments: Sequence[Moment]


GROUPS: Final[Sequence[Group]] = (
    Group(
        "arriving", lambda: gettext("When somebody rings"), lambda: gettext("The greeting and the wait."),
        (
            Moment("welcome", lambda: gettext("Greeting")),
            Moment("language_key", lambda: gettext("The key for the other language")),
            Moment("wait_range", lambda: gettext("The wait, as a range")),
            Moment("wait_soon", lambda: gettext("A wait of less than a minute")),
            Moment("wait_unknown", lambda: gettext("A wait that nobody can know")),
            Moment("nobody_staffed", lambda: gettext("Nobody is at work")),
            Moment("closed", lambda: gettext("Closed, and when we open again")),
            Moment("closed_unknown", lambda: gettext("Closed, without a next opening")),
            Moment("unknown_number", lambda: gettext("A number that leads to no queue"), everywhere=True),
        ),
    ),
    Group(
        "choice", lambda: gettext("The choice"),
        lambda: gettext("A callback, staying, or a later time. The keys themselves never change."),
        (
            Moment("offer_keys", lambda: gettext("The offer and its keys")),
            Moment("offer_keys_no_number", lambda: gettext("The offer to somebody whose number is withheld")),
            Moment("later_slot", lambda: gettext("One of the later times, with its key")),
            Moment("closing_keys", lambda: gettext("The offer of a time after we close")),
            Moment("again", lambda: gettext("A key that we do not know")),
            Moment("stay", lambda: gettext("They stay on the line")),
        ),
    ),
    Group(
        "number", lambda: gettext("The number"), lambda: gettext("Read back, confirmed, or keyed in."),
        (
            Moment("confirm_number", lambda: gettext("The number, read back")),
            Moment("confirm_keys", lambda: gettext("The keys to confirm it")),
            Moment("enter_number", lambda: gettext("Asking for another number")),
            Moment("bad_number", lambda: gettext("A number that is not complete")),
            Moment("refused_number", lambda: gettext("A number that we may not ring")),
        ),
    ),
    Group(
        "promise", lambda: gettext("The promise"), lambda: gettext("What will happen, and when."),
        (
            Moment("promise", lambda: gettext("A callback, in a range of minutes")),
            Moment("promise_unknown", lambda: gettext("A callback, when it is their turn")),
            Moment("promise_later", lambda: gettext("A callback at a later time")),
            Moment("promise_from", lambda: gettext("The number that will call")),
            Moment("promise_text", lambda: gettext("A text follows")),
            Moment("goodbye", lambda: gettext("They may hang up")),
        ),
    ),
    Group(
        "again", lambda: gettext("When they ring again"), lambda: gettext("Somebody who has a callback already."),
        (
            Moment("already_waiting", lambda: gettext("Their callback and their place")),
            Moment("already_booked", lambda: gettext("Their callback, without a place")),
            Moment("already_keys", lambda: gettext("The keys to keep it or to wait")),
            Moment("booked_for", lambda: gettext("Their appointment")),
            Moment("booked_keys", lambda: gettext("The keys to keep the appointment or to wait")),
            Moment("booked_now", lambda: gettext("They wait now instead")),
            Moment("already_kept", lambda: gettext("It is kept")),
        ),
    ),
    Group(
        "holding", lambda: gettext("On hold"), lambda: gettext("Between pieces of music, and on the way to an agent."),
        (
            Moment("hold_place", lambda: gettext("Their place in line")),
            Moment("hold_wait", lambda: gettext("The wait that is left")),
            Moment("hold_soon", lambda: gettext("Nearly their turn")),
            Moment("hold_offer", lambda: gettext("The callback is still open to them")),
            Moment("hold_later", lambda: gettext("A callback after we close")),
            Moment("connecting", lambda: gettext("They are being connected")),
            Moment("agent_missed", lambda: gettext("The agent did not answer")),
            Moment("answered_early", lambda: gettext("They answered, and nobody is free yet")),
            Moment("passed_on", lambda: gettext("They are passed on")),
            Moment("cut_off", lambda: gettext("The connection was lost")),
        ),
    ),
    Group(
        "calling", lambda: gettext("When we call back"), lambda: gettext("What is heard when they answer us."),
        (
            Moment("human_check", lambda: gettext("Who is calling, and why")),
            Moment("human_check_undated", lambda: gettext("The same, without the time")),
            Moment("human_keys", lambda: gettext("The keys to talk, for later, or to end it")),
            Moment("machine_message", lambda: gettext("The message on an answering machine")),
            Moment("later_done", lambda: gettext("They chose later")),
            Moment("not_needed_done", lambda: gettext("They no longer need us")),
            Moment("call_cancelled", lambda: gettext("The callback was cancelled meanwhile")),
            Moment("superseded", lambda: gettext("They talk with us already")),
        ),
    ),
    Group(
        "sorry", lambda: gettext("When we cannot"), lambda: gettext("No callback can be promised, or something fails."),
        (
            Moment("not_accepting", lambda: gettext("No callbacks at the moment")),
            Moment("not_accepting_closed", lambda: gettext("No callback: closed")),
            Moment("not_accepting_full", lambda: gettext("No callback: too many are booked")),
            Moment("not_accepting_not_before_closing", lambda: gettext("No callback: we close soon")),
            Moment("not_accepting_cannot_ring", lambda: gettext("No callback: we cannot call anybody")),
            Moment("trouble", lambda: gettext("A fault: please hold")),
            Moment("trouble_no_callback", lambda: gettext("A fault: no callback")),
            Moment("trouble_not_connected", lambda: gettext("A fault: not connected")),
            Moment("trouble_bye", lambda: gettext("A fault: please ring again")),
        ),
    ),
    Group(
        "texts", lambda: gettext("Texts"), lambda: gettext("Sent to mobile telephones that can get them."),
        (
            Moment("text_promised", lambda: gettext("A callback is promised, in a range of minutes")),
            Moment("text_promised_unknown", lambda: gettext("A callback is promised, when it is their turn")),
            Moment("text_promised_later", lambda: gettext("A callback is promised at a later time")),
            Moment("text_nearly", lambda: gettext("It is nearly their turn")),
            Moment("text_unreached", lambda: gettext("We called and could not reach them")),
            Moment("text_expired", lambda: gettext("We could not call in time")),
            Moment("text_given_up", lambda: gettext("We could not call because of a fault")),
            Moment("text_status_waiting", lambda: gettext("Answer to a text: in line")),
            Moment("text_status_scheduled_at", lambda: gettext("Answer to a text: a later time")),
            Moment("text_status_calling", lambda: gettext("Answer to a text: we are calling")),
            Moment("text_code", lambda: gettext("The code for a new number")),
            Moment("text_code_old", lambda: gettext("The code to the number before")),
        ),
    ),
    Group(
        "agents", lambda: gettext("What agents hear"),
        lambda: gettext("On their own telephone, the same in all queues."),
        (
            Moment("whisper_live", lambda: gettext("A call"), everywhere=True),
            Moment("whisper_live_named", lambda: gettext("A call, with a name"), everywhere=True),
            Moment("whisper_callback", lambda: gettext("A callback"), everywhere=True),
            Moment("whisper_callback_named", lambda: gettext("A callback, with a name"), everywhere=True),
            Moment("whisper_key", lambda: gettext("The key to take it"), everywhere=True),
            Moment("whisper_ringing", lambda: gettext("The caller is being rung"), everywhere=True),
            Moment("whisper_gone", lambda: gettext("The caller is gone"), everywhere=True),
            Moment("whisper_unreached", lambda: gettext("The caller was not reached"), everywhere=True),
            Moment("consult_whisper", lambda: gettext("A colleague asks"), everywhere=True),
            Moment("consult_key", lambda: gettext("The key to talk with the colleague"), everywhere=True),
            Moment("consult_gone", lambda: gettext("The colleague is gone"), everywhere=True),
            Moment("consult_missed", lambda: gettext("The colleague did not answer"), everywhere=True),
            Moment("consult_left", lambda: gettext("The colleague has hung up"), everywhere=True),
            Moment("consult_refused", lambda: gettext("A number that cannot be rung"), everywhere=True),
            Moment("ring_test", lambda: gettext("A test of their telephone"), everywhere=True),
            Moment("ring_test_key", lambda: gettext("The key to confirm the test"), everywhere=True),
            Moment("ring_test_done", lambda: gettext("The test is done"), everywhere=True),
            Moment("no_key", lambda: gettext("No key was pressed"), everywhere=True),
            Moment("trouble_agent", lambda: gettext("A fault: one moment"), everywhere=True),
            Moment("trouble_agent_bye", lambda: gettext("A fault: not connected"), everywhere=True),
        ),
    ),
)  # fmt: skip

MOMENTS: Final[Mapping[str, Moment]] = {one.sentence: one for group in GROUPS for one in group.moments}

PLACES: Final[Mapping[str, Label]] = {
    "queue": lambda: gettext("name of the queue"),
    "wait": lambda: gettext("the wait, such as 4 to 6 minutes"),
    "waited": lambda: gettext("how long they have waited"),
    "position": lambda: gettext("place in line"),
    "number": lambda: gettext("their number, digit by digit"),
    "caller_id": lambda: gettext("our number, digit by digit"),
    "when": lambda: gettext("day and time"),
    "opens": lambda: gettext("day and time of the next opening"),
    "requested": lambda: gettext("day and time of their wish"),
    "slot": lambda: gettext("day and time that is offered"),
    "key": lambda: gettext("the key"),
    "name": lambda: gettext("name of the caller"),
    "url": lambda: gettext("link to their page"),
    "code": lambda: gettext("the code"),
}
"""What places stand for."""

TEXT_VALUES: Final[Mapping[str, Any]] = {"low": 4, "high": 6, "code": "381 204"}
"""What stands in a text that is tried."""


def is_text(sentence: str) -> bool:
    """Sent, and not spoken."""
    return sentence.startswith("text_")


@dataclass(frozen=True)
class Chip:
    """A place, as it is typed, and what it stands for."""

    typed: str
    about: str = field(default="")


def chips(names: Sequence[str]) -> list[Chip]:
    """For the places of a wording."""
    return [Chip(f"{{{name}}}", PLACES[name]()) for name in names]
