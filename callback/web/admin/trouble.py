"""What was set aside since it failed again and again: looked at, tried again, or given up."""

from collections.abc import Callable, Mapping

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.acts import What
from callback.domain.errors import StillDamaged
from callback.flows import quarantine
from callback.flows.quarantine import Held
from callback.web.acting import on_held
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.guards import Role, signed_in
from callback.web.pages import page

PAGE = 50

_KINDS: Mapping[str, Callable[[], str]] = {
    "callback": lambda: gettext("Callback"),
    "call": lambda: gettext("Caller on the line"),
    "text": lambda: gettext("Text message"),
    "event": lambda: gettext("News of the line"),
    "step": lambda: gettext("Part of our own work"),
}
_STEPS: Mapping[str, Callable[[], str]] = {
    "dialling": lambda: gettext("Ringing them, or fetching them from hold"),
    "recovering": lambda: gettext("Finding out what became of a call that was under way"),
    "due": lambda: gettext("Putting them into the line at their time"),
    "asking": lambda: gettext("Asking the carrier about their call"),
    "asking_legs": lambda: gettext("Asking the carrier about calls"),
    "standing": lambda: gettext("Keeping their place in line"),
    "texting": lambda: gettext("Sending a text"),
    "reminding": lambda: gettext("Telling them that it is nearly their turn"),
    "hanging_up": lambda: gettext("Ending their call"),
    "redirecting": lambda: gettext("Sending their call on"),
    "recording": lambda: gettext("Writing down what happened to live calls"),
    "matching": lambda: gettext("Bringing callers and agents together"),
    "freeing": lambda: gettext("Finding the next caller for an agent"),
}


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/trouble")(trouble)
    console.post("/trouble/<id>/retry")(retry)
    console.post("/trouble/<id>/drop")(drop)


def kind(held: Held) -> str:
    """What sort of thing it is."""
    return _KINDS[held.failure.kind]()


def step(held: Held) -> str:
    """What was being done when it failed."""
    word = held.failure.step.split()[0]
    return _STEPS[word]() if word in _STEPS else word.replace("_", " ")


def why(held: Held) -> str:
    """What that means, in plain words."""
    if held.failure.kind == "event":
        return gettext("It could not be read and was passed over. Nobody waits for it.")
    if held.failure.kind == "step":
        return gettext("This is tried again all the time, and what comes after it goes on.")
    if not held.readable:
        return gettext("Its record is gone, is damaged, or was sealed with a key that is not at hand.")
    return gettext("It fails although everything else works.")


@signed_in(Role.VIEWER)
def trouble() -> str:
    """The page."""
    found = quarantine.held(house(), cursor=request.args.get("after"), limit=PAGE)
    return page("admin/trouble.html", held=found.items, next=found.next, kind=kind, step=step, why=why)


@signed_in(Role.SUPERVISOR)
def retry(id: str) -> AnyResponse:
    """Once more, from the old place."""
    try:
        quarantine.retry(house(), id, by=f"console:{current_user.email}", along=on_held(What.HELD_RETRY))
    except StillDamaged:
        flash(gettext("It still cannot be read: mend its record first, or give it up."), "warn")
    else:
        flash(gettext("It is tried again."))
    return redirect(url_for("admin.trouble"), 303)


@signed_in(Role.SUPERVISOR)
def drop(id: str) -> AnyResponse:
    """Not any more."""
    quarantine.drop(house(), id, by=f"console:{current_user.email}", along=on_held(What.HELD_DROP))
    flash(gettext("It was given up."))
    return redirect(url_for("admin.trouble"), 303)
