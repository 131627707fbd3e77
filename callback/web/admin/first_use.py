"""First use: an empty house is led through queue, hours, agent, number and test call, each verified.

How far it is, `flows.first_use` finds out anew for every page. Administrators do the steps; supervisors may look.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from callback.domain import policies
from callback.domain.errors import InvalidInput, NameTaken
from callback.domain.ids import QueueKey
from callback.domain.policy import Queue
from callback.flows import configure, first_use, look
from callback.flows.first_use import Mark, Progress, Said, Step
from callback.web import languages
from callback.web.acting import doer
from callback.web.admin import adding, doing, fields, opening, thresholds
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.guards import Role, signed_in
from callback.web.pages import page

Answer = str | AnyResponse | tuple[str, int]
NAME_MOST = 100
COMMON = ("offer_at_wait_s", "attempts", "ring_timeout_s")
"""The thresholds that a new queue is asked for; the others have pages of their own."""
SPOKEN = ("en", "zh", "en, zh", "zh, en")

TITLES: Mapping[Step, Callable[[], str]] = {
    Step.QUEUE: lambda: gettext("Queue"),
    Step.HOURS: lambda: gettext("Hours"),
    Step.AGENT: lambda: gettext("Agent"),
    Step.NUMBER: lambda: gettext("Number"),
    Step.CALL: lambda: gettext("Test call"),
}
WHY: Mapping[Step, Callable[[], str]] = {
    Step.QUEUE: lambda: gettext("What callers wait for, and when they are offered a callback."),
    Step.HOURS: lambda: gettext("When you answer. Callbacks are promised only within them."),
    Step.AGENT: lambda: gettext("Who takes the calls, and whether their telephone rings."),
    Step.NUMBER: lambda: gettext("Which of your numbers leads here."),
    Step.CALL: lambda: gettext("You call, are offered a callback, and are called back."),
}


@dataclass(frozen=True)
class Shown:
    """A step as it stands in the list and above each page."""

    step: Step
    title: str
    why: str
    mark: Mark
    href: str
    at: bool


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/start")(start)
    console.get("/start/queue")(start_queue)
    console.post("/start/queue")(start_queue_save)
    console.get("/start/hours")(start_hours)
    console.post("/start/hours")(start_hours_save)
    console.post("/start/say/<subject>/<said>")(start_say)


def unfinished() -> Progress | None:
    """For the console of a house that is being furnished: how far it is; None where nobody has to be told."""
    return first_use.progress(house()) if first_use.wanted(house()) else None


# --- all of it --------------------------------------------------------------------------------------------------


@signed_in(Role.SUPERVISOR)
def start() -> str:
    """How far the house is, and what comes next."""
    return shown(None, "admin/start.html")


@signed_in(Role.ADMIN)
def start_say(subject: str, said: str) -> AnyResponse:
    """A step is left for later, or right as it stands; or all of this is shown no more."""
    if subject not in (*Step, first_use.ALL) or said not in list(Said):
        abort(404)
    found = asked()
    first_use.say(house(), subject, Said(said), doer(), queue=found.queue.key if found.queue else "")
    if said == Said.DISMISSED:
        flash(gettext("It is shown no more by itself. The link stays here: Setting up."))
        return redirect(url_for("admin.overview"), 303)
    if said in (Said.WATCHING, Said.RESUMED):
        return redirect(here(Step(subject)) if subject in list(Step) else url_for("admin.start"), 303)
    return redirect(following(Step(subject)) if subject in list(Step) else url_for("admin.start"), 303)


def asked() -> Progress:
    """How far the queue in the address is, or the first there is."""
    return first_use.progress(house(), request.args.get("queue", ""))


def here(step: Step) -> str:
    """The page of a step, about the same queue."""
    return url_for(f"admin.start_{step}", queue=request.args.get("queue") or None)


def following(step: Step) -> str:
    """The page of the next step, or of all of them after the last."""
    steps = list(Step)
    rest = steps[steps.index(step) + 1 :]
    return here(rest[0]) if rest else url_for("admin.start", queue=request.args.get("queue") or None)


def steps(found: Progress, at: Step | None) -> list[Shown]:
    """All five, the present one marked."""
    return [
        Shown(step, TITLES[step](), WHY[step](), found.marks[step], here(step), step is (at or found.at))
        for step in Step
    ]


def shown(step: Step | None, template: str, *, found: Progress | None = None, **values: Any) -> str:
    """The page of a step."""
    found = found or asked()
    with house().store.look() as work:
        queues = work.queues()
    return page(
        template, queue=found.queue, progress=found, steps=steps(found, step), step=step, queues=queues,
        title=TITLES[step]() if step else "", next=following(step) if step else "", **values,
    )  # fmt: skip


# --- 1: the queue -----------------------------------------------------------------------------------------------


@signed_in(Role.SUPERVISOR)
def start_queue() -> str:
    """The first queue: made here, or shown as it is."""
    usual = fields.write_fields(policies.DEFAULTS)
    return _queue_page({**usual, "key": "support", "name": gettext("Support"), "languages": _spoken_first()}, {})


@signed_in(Role.ADMIN)
def start_queue_save() -> Answer:
    """Make it, with its common thresholds; or the form again with what to mend."""
    key, name = request.form.get("key", "").strip().lower(), request.form.get("name", "").strip()[:NAME_MOST]
    mistakes = adding.wrong_key(key)
    if not name:
        mistakes["name"] = gettext("Give it a name.")
    policy, unreadable = _common(request.form)
    mistakes |= unreadable
    try:
        if not mistakes:
            configure.put_queue(
                house(), QueueKey(key), name=name, policy=policy, by=doer().by, role=doer().role, new=True
            )
    except NameTaken:
        mistakes = adding.taken()
    except InvalidInput as refused:
        mistakes = thresholds.refusals(refused)
    if mistakes:
        return _queue_page(request.form, mistakes), 422
    return redirect(url_for("admin.start_queue", queue=key), 303)


def _queue_page(form: Mapping[str, str], mistakes: Mapping[str, str]) -> str:
    found = asked()
    published = found.queue is not None and first_use.published(house(), found.queue)
    now = look.queue_now(house(), found.queue) if found.queue else None
    return shown(
        Step.QUEUE, "admin/start_queue.html", found=found, form=form, mistakes=mistakes, published=published, seen=now,
        common=[fields.FIELDS[name] for name in COMMON], spoken=[(one, _languages(one)) for one in SPOKEN],
    )  # fmt: skip


def _common(form: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The thresholds that this form has, and what cannot be read; what it lacks has its default."""
    return fields.read_fields({name: form[name] for name in ("languages", *COMMON) if name in form})


def _spoken_first() -> str:
    return "zh, en" if languages.language() == "zh" else "en"


def _languages(spoken: str) -> str:
    """Languages in the order in which callers are spoken to."""
    names = {"en": gettext("English"), "zh": gettext("Chinese")}
    first, *more = [names[one] for one in fields.words(spoken)]
    return gettext("%(first)s, %(second)s at a key", first=first, second=more[0]) if more else first


# --- 2: the hours -----------------------------------------------------------------------------------------------


@signed_in(Role.SUPERVISOR)
def start_hours() -> Answer:
    """Its hours, what they come to now, and when it opens next."""
    found = asked()
    if found.queue is None:
        return redirect(url_for("admin.start_queue"))
    return _hours_page(found, found.queue, _suggested(found, found.queue), "")


@signed_in(Role.ADMIN)
def start_hours_save() -> Answer:
    """Save them; those that never end are meant."""
    found = asked()
    if found.queue is None:
        abort(404)
    key = QueueKey(found.queue.key)
    form = fields.filled_hours(request.form, found.queue.policy.hours, languages.queue_zone(found.queue) or "UTC")
    try:
        rules = fields.read_hours(form)
        configure.put_policy(house(), key, {"hours": rules}, by=doer().by, role=doer().role, why="first use")
    except fields.Unreadable as unreadable:
        return _hours_page(found, found.queue, form, str(unreadable)), 422
    except InvalidInput as refused:
        return _hours_page(found, found.queue, form, thresholds.refusals(refused).get("hours", "")), 422
    if rules is None:
        first_use.say(house(), Step.HOURS, Said.CONFIRMED, doer(), queue=key)
    return redirect(here(Step.HOURS), 303)


def _suggested(found: Progress, queue: Queue) -> Mapping[str, str]:
    """What is set; of a new queue usual hours, which are not saved yet."""
    form = fields.write_hours(queue.policy.hours, languages.queue_zone(queue) or "UTC")
    if found.marks[Step.HOURS] is not Mark.DONE:
        form.pop("always_open", None)
    return form


def _hours_page(found: Progress, queue: Queue, form: Mapping[str, str], mistake: str) -> str:
    languages.in_zone(languages.queue_zone(queue) or "UTC")
    return shown(
        Step.HOURS, "admin/start_hours.html", found=found, form=form, mistake=mistake, days=fields.DAY_NAMES,
        countries=opening.countries(languages.language()), zones=opening.zones(),
        never=first_use.never_open(queue, house().clock.now()),
        now_open=doing.open_until(look.queue_now(house(), queue)), fortnight=opening.fortnight(queue.policy.hours)[:7],
    )  # fmt: skip
