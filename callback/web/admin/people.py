"""Who may take calls, where they are reached, and how well they serve which queue: one agent at a time, or all."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.callback import Agent, Served
from callback.domain.errors import InvalidInput, NameTaken
from callback.domain.ids import AgentKey, QueueKey
from callback.domain.lifecycle import AgentStatus
from callback.flows import configure, presence
from callback.ports import Work
from callback.web.acting import doer
from callback.web.api.contract import key_of
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.guards import Role, signed_in
from callback.web.pages import page

LEVELS = range(1, 10)
"""Levels that can be chosen here; programs may set any up to 99, and one that stands is kept."""
NAME_MOST = 100

Answer = AnyResponse | tuple[str, int]


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/agents/add")(add_agent)
    console.post("/agents/add")(added_agent)
    console.get("/agents/<key>/edit")(edit_agent)
    console.post("/agents/<key>/edit")(edited_agent)
    console.post("/agents/<key>/retire")(retire_agent)
    console.get("/skills")(skills)
    console.post("/skills")(save_skills)


@signed_in(Role.ADMIN)
def add_agent() -> str:
    """An empty form."""
    return _form(None, {})


@signed_in(Role.ADMIN)
def added_agent() -> Answer:
    """A new agent. One that is there already is not overwritten."""
    try:
        key = AgentKey(key_of(request.form.get("key", "").strip()))
    except InvalidInput:
        told = gettext(
            "Use letters, digits, dots, underscores and hyphens, 64 at most, and begin with a letter or digit."
        )
        return _form(None, request.form, {"key": told}), 422
    return _save(key, None)


@signed_in(Role.ADMIN)
def edit_agent(key: str) -> str:
    """The form of one agent."""
    with house().store.look() as work:
        known = work.agent(AgentKey(key))
    return _form(known, _standing(known))


@signed_in(Role.ADMIN)
def edited_agent(key: str) -> Answer:
    """Save it."""
    with house().store.look() as work:
        known = work.agent(AgentKey(key))
    return _save(known.key, known)


@signed_in(Role.ADMIN)
def retire_agent(key: str) -> AnyResponse:
    """They take no calls any more: offline once their talk is over, and serve no queue. What they did stays told."""
    with house().store.look() as work:
        known = work.agent(AgentKey(key))
    presence.set_presence(house(), known.key, AgentStatus.OFFLINE)
    _put(replace(known, queues=()))
    flash(gettext("%(agent)s takes no calls any more.", agent=known.name))
    return redirect(url_for("admin.agents"), 303)


@signed_in(Role.VIEWER)
def skills() -> str:
    """Everybody's levels in every queue."""
    with house().store.look() as work:
        queues, agents = work.queues(), work.agents()
    return page("admin/skills.html", queues=queues, agents=agents, levels=_levels(agents), choices=_choices)


@signed_in(Role.ADMIN)
def save_skills() -> AnyResponse:
    """Whatever was chosen otherwise than it stood when the page was made; what others changed since stays."""
    with house().store.look() as work:
        agents, queues = work.agents(), [queue.key for queue in work.queues()]
    changed = [one for one in (_rechosen(agent, queues, request.form) for agent in agents) if one is not None]
    for agent in changed:
        _put(agent)
    flash(gettext("Saved.") if changed else gettext("Nothing was changed."))
    return redirect(url_for("admin.skills"), 303)


def _form(known: Agent | None, form: Mapping[str, Any], mistakes: Mapping[str, str] | None = None) -> str:
    with house().store.look() as work:
        queues = work.queues()
    return page(
        "admin/agent_edit.html",
        known=known,
        form=form,
        mistakes=mistakes or {},
        queues=queues,
        choices=_choices,
        name_most=NAME_MOST,
    )


def _standing(known: Agent | None) -> dict[str, str]:
    """The form of an agent as they are on record."""
    if known is None:
        return {}
    levels = {f"level:{one.queue}": str(one.level) for one in known.queues}
    return {"name": known.name, "contact": known.contact, **levels}


def _save(key: AgentKey, known: Agent | None) -> Answer:
    with house().store.look() as work:
        queues = _queue_keys(work)
    form = {
        **_standing(known),
        **request.form,
    }  # what a page lacks altogether, such as a queue made since, stays as it is
    served = [Served(queue, level) for queue in queues if (level := _level(form.get(f"level:{queue}", "")))]
    name, contact = form.get("name", "").strip()[:NAME_MOST] or key, form.get("contact", "").strip()
    try:
        saved = _put(Agent(key, name, contact, tuple(served)), new=known is None)
    except NameTaken:
        return _form(None, form, {"key": gettext("There is an agent with this key already.")}), 422
    except InvalidInput:
        told = gettext("Give a number such as +12015550123, or sip:ann@example.com, or client:ann.")
        return _form(known, form, {"contact": told}), 422
    flash(gettext("%(agent)s was saved.", agent=saved.name))
    return redirect(url_for("admin.agents"), 303)


def _put(agent: Agent, *, new: bool = False) -> Agent:
    who = doer()
    return configure.put_agent(
        house(),
        agent.key,
        name=agent.name,
        contact=agent.contact,
        queues=list(agent.queues),
        by=who.by,
        role=who.role,
        new=new,
    )


def _queue_keys(work: Work) -> list[QueueKey]:
    return [QueueKey(queue.key) for queue in work.queues()]


def _rechosen(agent: Agent, queues: list[str], form: Mapping[str, str]) -> Agent | None:
    """The agent as the matrix has them; None where nothing differs."""
    levels = {one.queue: one.level for one in agent.queues}
    before = dict(levels)
    for queue in queues:
        said, was = (form.get(f"{name}:{agent.key}:{queue}") for name in ("level", "was"))
        if said is None or said == was:
            continue
        level = _level(said)
        if level:
            levels[QueueKey(queue)] = level
        else:
            levels.pop(QueueKey(queue), None)
    if levels == before:
        return None
    return replace(agent, queues=tuple(Served(queue, level) for queue, level in levels.items()))


def _level(said: str) -> int:
    """0 for a queue that is not served."""
    return int(said) if said.isascii() and said.isdigit() and len(said) < 3 else 0


def _levels(agents: list[Agent]) -> dict[str, dict[str, int]]:
    return {agent.key: {one.queue: one.level for one in agent.queues} for agent in agents}


def _choices(level: int | str) -> list[tuple[str, str]]:
    """What can be chosen where this level stands."""
    known = {*LEVELS, _level(str(level))} - {0}
    return [("", gettext("does not serve it")), *((str(one), _said(one)) for one in sorted(known))]


def _said(level: int) -> str:
    return gettext("1 (rung first)") if level == 1 else str(level)
