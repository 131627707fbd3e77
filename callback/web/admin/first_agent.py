"""First use, the third step: somebody who takes calls, whose telephone is rung for a test while the page watches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from callback.adapters.telephony.pretend import Pretended
from callback.domain.callback import Agent, Served
from callback.domain.errors import InvalidInput, NameTaken
from callback.domain.ids import AgentKey, QueueKey
from callback.domain.policy import Queue
from callback.flows import configure, ring_test
from callback.flows.first_use import Progress, Step
from callback.flows.ring_test import NotRung, Refusal, Ring
from callback.web.acting import doer
from callback.web.admin import first_use
from callback.web.admin.first_use import Answer
from callback.web.api.contract import key_of
from callback.web.catalogue import gettext
from callback.web.context import house, options
from callback.web.desk import phone
from callback.web.guards import Role, signed_in
from callback.web.pages import fragment

KINDS = ("own", "sip", "page")
SHOWN = 3
UNREGISTERED = ("no-answer", "failed")
"""What the carrier says of a telephone in a page that is not open."""


@dataclass(frozen=True)
class Stage:
    """One thing that a test goes through: when it was reached, None not yet."""

    name: str
    at: datetime | None


@dataclass(frozen=True)
class Tested:
    """An agent with what is known of their telephone. `watching`: more may arrive; `advice` where it did not work."""

    agent: Agent
    ring: Ring | None
    stages: Sequence[Stage]
    watching: bool
    advice: str
    in_page: bool


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/start/agent")(start_agent)
    console.get("/start/agent/now")(start_agent_now)
    console.post("/start/agent")(start_agent_save)
    console.post("/start/agent/<key>/ring")(start_agent_ring)
    console.post("/start/agent/<key>/pretend")(start_agent_pretend)


@signed_in(Role.SUPERVISOR)
def start_agent() -> Answer:
    """Who serves the queue, and whether their telephones ring."""
    found = first_use.asked()
    if found.queue is None:
        return redirect(url_for("admin.start_queue"))
    return _page(found, {"kind": "own"}, {})


@signed_in(Role.SUPERVISOR)
def start_agent_now() -> AnyResponse:
    """The part of it that changes."""
    found = first_use.asked()
    return fragment(
        "admin/start_agent_now.html", queue=found.queue, progress=found, tested=tested(found), step=Step.AGENT,
        next=first_use.following(Step.AGENT), **_more(),
    )  # fmt: skip


@signed_in(Role.ADMIN)
def start_agent_save() -> Answer:
    """Add them; or the form again with what to mend."""
    found = first_use.asked()
    if found.queue is None:
        abort(404)
    mistakes = _save(found.queue, request.form)
    if mistakes:
        return _page(found, request.form, mistakes), 422
    return redirect(first_use.here(Step.AGENT), 303)


@signed_in(Role.ADMIN)
def start_agent_ring(key: str) -> AnyResponse:
    """Ring their telephone now."""
    try:
        ring_test.ring(house(), AgentKey(key), doer())
    except NotRung as refused:
        flash(_refusal(refused), "warn")
    return redirect(first_use.here(Step.AGENT), 303)


@signed_in(Role.ADMIN)
def start_agent_pretend(key: str) -> AnyResponse:
    """Let somebody simulated answer their telephone, where nobody real is called."""
    pretended = pretend()
    if pretended is None:
        abort(404)
    with house().store.look() as work:
        agent = work.agent(AgentKey(key))
    if not pretended.agent(agent.contact):
        flash(gettext("The emulated carrier does not answer."), "warn")
    return redirect(first_use.here(Step.AGENT), 303)


def pretend() -> Pretended | None:
    """Simulated people, in development and on an emulated carrier alone."""
    at = options().desk.stand_in
    return Pretended(at) if at and not options().production else None


def tested(found: Progress) -> list[Tested]:
    """The agents of the queue, those whose telephone is not proved yet last touched first."""
    shown = sorted(found.agents, key=lambda one: (found.rings.get(one.key) is None, one.key))[:SHOWN]
    return [_tested(agent, found.rings.get(agent.key)) for agent in shown]


def _tested(agent: Agent, ring: Ring | None) -> Tested:
    now = house().clock.now()
    going = ring is not None and ring.current and ring.going_on(now)
    return Tested(
        agent, ring, _stages(ring), going, "" if ring is None or going else _advice(agent, ring),
        agent.contact.startswith(phone.CLIENT),
    )  # fmt: skip


def _stages(ring: Ring | None) -> list[Stage]:
    if ring is None or not ring.current:
        return []
    return [
        Stage(gettext("Rung"), ring.at),
        Stage(gettext("Answered"), ring.answered_at or ring.pressed_at),
        Stage(gettext("Key pressed"), ring.pressed_at),
    ]


def _advice(agent: Agent, ring: Ring) -> str:
    """What to look at where a test came to nothing; "" where it did not."""
    if ring.proved:
        return ""
    if not ring.current:
        return gettext("Their telephone was changed since the last test. Ring it again.")
    if ring.answered_at is not None:
        return gettext("Somebody or something answered, and no key was pressed. A voicemail cannot press 1: try again.")
    if ring.how == "busy":
        return gettext("The line was engaged. Try again when it is free.")
    if ring.how in UNREGISTERED and agent.contact.startswith(phone.CLIENT):
        return gettext("The page did not ring. Sign in as this agent in another window, open the desk, and try again.")
    if ring.how == "no-answer":
        return gettext("Nobody answered. Is the telephone switched on, and in reach?")
    if ring.how:
        return _failed(agent, ring.how)
    return gettext(
        "Nothing was heard of this ring. The carrier may not reach this address: see the address under Number."
    )


def _failed(agent: Agent, how: str) -> str:
    if agent.contact.startswith("sip:"):
        return gettext("The SIP address did not answer. Is it registered, and does it accept calls from the carrier?")
    code = how.removeprefix("refused ") if how.startswith("refused ") else ""
    if code:
        return gettext("The carrier refused the call (error %(code)s).", code=code)
    return gettext("The call failed. Check the number, and whether the carrier may call its country.")


def _refusal(refused: NotRung) -> str:
    words = {
        Refusal.TOO_OFTEN: gettext("This telephone was rung often enough for now. Try again in an hour."),
        Refusal.BUSY: gettext("They are in a call. Ring when it is over."),
        Refusal.NO_NUMBER: gettext("There is no number to ring from yet: the carrier's account has none."),
        Refusal.PACE: gettext("The carrier has much to do now. Try again in a few seconds."),
        Refusal.CARRIER: gettext("The carrier did not take the call (error %(code)s).", code=refused.detail),
    }
    return words[refused.why]


def _save(queue: Queue, form: Mapping[str, str]) -> dict[str, str]:
    """Saved, or by field what to mend."""
    name = form.get("name", "").strip()[: first_use.NAME_MOST]
    try:
        key = AgentKey(key_of(form.get("key", "").strip() or name.split(" ")[0].lower()))
    except InvalidInput:
        return {"key": gettext("Use letters, digits, dots, underscores and hyphens, and begin with a letter or digit.")}
    served = [Served(QueueKey(queue.key))]
    try:
        who = doer()
        configure.put_agent(
            house(), key, name=name or key, contact=_contact(form, key), queues=served, by=who.by, role=who.role,
            new=True,
        )  # fmt: skip
    except NameTaken:
        return {"key": gettext("There is an agent with this key already.")}
    except InvalidInput:
        return {"contact": gettext("Give a number such as +12015550123, or a SIP address such as ann@example.com.")}
    return {}


def _contact(form: Mapping[str, str], key: str) -> str:
    """As the carrier calls it, by the kind that was chosen."""
    typed = form.get("contact", "").strip()
    kind = form.get("kind", "own")
    if kind == "page":
        return f"{phone.CLIENT}{key}"
    return f"sip:{typed.removeprefix('sip:')}" if kind == "sip" else typed


def _more() -> dict[str, object]:
    return {"pretending": pretend() is not None, "per_hour": ring_test.AN_HOUR}


def _page(found: Progress, form: Mapping[str, str], mistakes: Mapping[str, str]) -> str:
    kinds = [
        ("own", gettext("A telephone of their own")),
        ("sip", gettext("A SIP telephone")),
        ("page", gettext("The telephone in the desk's page")),
    ]
    return first_use.shown(
        Step.AGENT, "admin/start_agent.html", found=found, form=form, mistakes=mistakes, kinds=kinds,
        tested=tested(found), key_set=options().desk.key is not None, **_more(),
    )  # fmt: skip
