"""The agent's desk: one big switch, who is next and why, what is known of the caller before anybody says hello, and
what can be done with them. Everything here is a form that works without a script; with one, only what changes is
fetched.
"""

from collections.abc import Callable
from time import time
from typing import Any

from flask import Blueprint, jsonify, redirect, request, session, url_for
from flask_login import current_user
from werkzeug.exceptions import NotFound as NoSuchPage
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.callback import Agent
from callback.domain.desk import AWAY_REASONS, Wish
from callback.domain.errors import InvalidInput, NotAccepting, NumberRefused
from callback.domain.ids import AgentKey, Token
from callback.domain.lifecycle import AgentStatus
from callback.domain.workday import MISSED
from callback.flows import consult, outside, parted, presence, talks, transfer, wrapup
from callback.flows.parted import Said
from callback.ports import House
from callback.web import languages
from callback.web.catalogue import gettext
from callback.web.context import house, options
from callback.web.desk import asking, caller, day, phone
from callback.web.guards import Forbidden, Role, signed_in
from callback.web.hub import Topic
from callback.web.live import stream
from callback.web.pages import fragment, page

REFRESH_S = 2
SAID_S = 8.0
"""So long the answer to a wish stays in sight."""
SAID = "desk_said"
WANTED = (AgentStatus.AVAILABLE, AgentStatus.AWAY, AgentStatus.OFFLINE)
RESOLVED = {"yes": True, "no": False, "": None}


def blueprint() -> Blueprint:
    """`/agent`."""
    desk_ = Blueprint("agent", __name__, url_prefix="/agent")
    desk_.get("", strict_slashes=False)(desk)
    for path, view in (
        ("/now", desk_now), ("/day", desk_day), ("/wrap-up", desk_wrap_up), ("/talks/<token>", talk_page),
        ("/transfer", transfer_page), ("/token", phone_token), ("/live", desk_live),
    ):  # fmt: skip
        desk_.get(path)(view)
    for path, act in (
        ("/presence", post_presence), ("/longer", post_longer), ("/decline", post_decline), ("/hold", post_hold),
        ("/resume", post_resume), ("/transfer", post_transfer), ("/back", post_back),
        ("/connect", post_connect), ("/hang-up", post_hang_up), ("/cut-off", post_cut_off),
        ("/talks/<token>", post_talk),
    ):  # fmt: skip
        desk_.post(path)(act)
    return desk_


# --- what it shows ----------------------------------------------------------------------------------------------


@signed_in(Role.AGENT)
def desk() -> str:
    """The page."""
    agent = _agent()
    rings = phone.of(agent)
    phone.open_doors(rings)
    values = {**_now(agent), **_wrap_up(agent), "phone": rings, "figures": day.shown, "talks": day.talks}
    return page("agent.html", refresh_s=REFRESH_S, **values)


@signed_in(Role.AGENT)
def desk_now() -> AnyResponse:
    """The part that changes every moment."""
    return fragment("agent_now.html", **_now(_agent()))


@signed_in(Role.AGENT)
def desk_live() -> AnyResponse:
    """The word that it changed, within a second or so."""
    key, queues = _key(), [served.queue for served in _agent().queues]
    return stream(Topic(f"desk:{key}", lambda glance: caller.mark(glance, key, queues)), fresh_s=REFRESH_S)


@signed_in(Role.AGENT)
def desk_day() -> AnyResponse:
    """The day's figures and talks."""
    agent = _agent()
    return fragment("agent_day.html", agent=agent, figures=day.shown, talks=day.talks)


@signed_in(Role.AGENT)
def desk_wrap_up() -> AnyResponse:
    """What is written down about the talk at hand, or the last one."""
    return fragment("agent_wrap_up.html", **_wrap_up(_agent()))


@signed_in(Role.AGENT)
def talk_page(token: str) -> str:
    """A talk of today, to be written down or corrected."""
    agent = _agent()
    found = next((talk for talk in day.talks(AgentKey(agent.key)) if talk.token == token), None)
    if found is None:
        raise NoSuchPage
    return page("agent_talk.html", agent=agent, talk=found, codes=options().desk.codes)


@signed_in(Role.AGENT)
def transfer_page() -> str:
    """Where a caller can be passed on to."""
    agent = _agent()
    with house().store.look() as work:
        queues, agents = work.queues(), {one.key: one for one in work.agents()}
    free = [
        agents[view.key]
        for view in house().line.agents()
        if view.status is AgentStatus.AVAILABLE and view.key in agents and view.key != agent.key
    ]
    return page("agent_transfer.html", agent=agent, queues=queues, free=free, outside=outside.offered(house()))


@signed_in(Role.AGENT)
def phone_token() -> AnyResponse:
    """What the telephone in the page registers with."""
    made = phone.token(_agent())
    if made is None:
        raise NoSuchPage
    return jsonify(made)


def _agent() -> Agent:
    """Whoever is signed in. Their day begins at midnight where their queues are."""
    with house().store.look() as work:
        agent = work.agent(_key())
    languages.in_zone(languages.first_zone(house().book.queue(served.queue) for served in agent.queues))
    return agent


def _key() -> AgentKey:
    if not current_user.agent:
        raise Forbidden("this account is not linked to an agent: `callback user add --agent KEY` links it")
    return AgentKey(current_user.agent)


def _now(agent: Agent) -> dict[str, Any]:
    live = house().line.agent(AgentKey(agent.key))
    held = house().line.reservation(live.token) if live.token else None
    talk = talks.of(house(), held.token) if held is not None and held.phase == "busy" else None
    return {
        "agent": agent,
        "live": live,
        "names": {served.queue: house().book.queue(served.queue).name for served in agent.queues},
        "wanted": WANTED,
        "reasons": AWAY_REASONS,
        "missed": MISSED,
        "held": held,
        "talk": talk,
        "other": asking.other(talk) if talk is not None else "",
        "waits": asking.waits(talk) if talk is not None else False,
        "asker": asking.asker(held) if held is not None else "",
        "caller": caller.caller(asking.about(held)) if held is not None else None,
        "next": caller.following(agent) if held is None else None,
        "said": _said(),
        "own_phone": phone.of(agent) is phone.Phone.OWN,
    }


def _wrap_up(agent: Agent) -> dict[str, Any]:
    key, now = AgentKey(agent.key), house().clock.now()
    pairing = parted.talking(house(), key)
    if pairing is None:
        found = wrapup.last(house(), key, day.begin(now))
    else:
        with house().store.look() as work:
            found = work.wrap_up(pairing.token) or wrapup.now_talking(house(), key, pairing.token)
    number = caller.number_of(found.entry) if found is not None else ""
    return {"wrap_up": found, "codes": options().desk.codes, "number": number}


# --- what can be done -------------------------------------------------------------------------------------------


@signed_in(Role.AGENT)
def post_presence() -> AnyResponse:
    """What the agent wants from now on; `away` may say why, after a colon."""
    status, _, why = request.form.get("status", "").partition(":")
    if status not in WANTED:
        raise InvalidInput("status", f"must be one of {', '.join(WANTED)}")
    if why and why not in AWAY_REASONS:
        raise InvalidInput("status", f"the reason must be one of {', '.join(AWAY_REASONS)}")
    presence.set_presence(house(), _key(), AgentStatus(status), why=why)
    return _answered()


@signed_in(Role.AGENT)
def post_longer() -> AnyResponse:
    """Half a minute more to wrap up."""
    if wrapup.longer(house(), _key()) is None:
        _say("warn", gettext("You are not wrapping up any more."))
    return _answered()


@signed_in(Role.AGENT)
def post_decline() -> AnyResponse:
    """Not this call: the caller is first in line again."""
    if not presence.decline(house(), _key()):
        _say("warn", gettext("No call is ringing you any more."))
    return _answered()


@signed_in(Role.AGENT)
def post_hold() -> AnyResponse:
    """Music for the caller."""
    return _told(parted.hold(house(), _key()))


@signed_in(Role.AGENT)
def post_resume() -> AnyResponse:
    """The caller comes back."""
    return _told(parted.resume(house(), _key()))


@signed_in(Role.AGENT)
def post_transfer() -> AnyResponse:
    """The caller goes on elsewhere at once (`how` is `send`), or somebody there is asked first (`ask`)."""
    where = request.form.get("where", "")
    if where not in transfer.CHECKS:
        raise InvalidInput("where", f"must be one of {', '.join(transfer.CHECKS)}")
    how, _, to = request.form.get("how", "send").partition(":")
    if how not in WAYS:
        raise InvalidInput("how", f"must be one of {', '.join(WAYS)}")
    act, done = WAYS[how]
    try:
        said = act(house(), _key(), Wish(where), (to or request.form.get("to", "")).strip())
    except (InvalidInput, NumberRefused, NotAccepting) as refused:
        _say("bad", asking.refused(Wish(where), refused))
        return _answered()
    return _told(said, done())


@signed_in(Role.AGENT)
def post_back() -> AnyResponse:
    """Whoever was asked is let go, and the caller comes back."""
    return _told(consult.back(house(), _key()))


@signed_in(Role.AGENT)
def post_connect() -> AnyResponse:
    """Caller and whoever was asked come together."""
    return _told(consult.connect(house(), _key()))


@signed_in(Role.AGENT)
def post_hang_up() -> AnyResponse:
    """The agent's side of the call ends."""
    if not presence.hang_up(house(), _key()):
        _say("warn", gettext("You are not on a call any more."))
    return _answered()


@signed_in(Role.AGENT)
def post_cut_off() -> AnyResponse:
    """The line broke: the caller is back at the front and does not have to ring again."""
    if not presence.cut_off(house(), _key(), cause=f"desk:{current_user.email}"):
        _say("warn", gettext("You are not on a call any more."))
    return _answered()


@signed_in(Role.AGENT)
def post_talk(token: str) -> AnyResponse:
    """What came of a talk."""
    agent, resolved = _agent(), request.form.get("resolved", "")
    if resolved not in RESOLVED:
        raise InvalidInput("resolved", "must be yes, no or empty")
    saved = wrapup.save(
        house(), AgentKey(agent.key), Token(token), request.form.get("code", ""), RESOLVED[resolved],
        request.form.get("notes", "").replace("\r\n", "\n"), options().desk.codes,
        since=day.begin(house().clock.now()),
    )  # fmt: skip
    if _by_script():
        return fragment("agent_saved.html", saved=saved)
    _say("good", gettext("Saved."))
    return redirect(url_for("agent.desk"), 303)


SENTENCES: dict[Said, Callable[[], str]] = {
    Said.NOT_TALKING: lambda: gettext("You are not on a call any more."),
    Said.NOT_NOW: lambda: gettext("The telephone network is busy: nothing has changed. Please try again."),
    Said.UNSURE: lambda: gettext("The telephone network has not answered yet. Please try again in a moment."),
}


WAYS: dict[str, tuple[Callable[[House, AgentKey, Wish, str], Said], Callable[[], str]]] = {
    "send": (transfer.pass_on, lambda: gettext("Your caller is on the way.")),
    "ask": (transfer.consult, lambda: ""),
}


def _told(said: Said, done: str = "") -> AnyResponse:
    if said in SENTENCES:
        _say("warn", SENTENCES[said]())
    elif done:
        _say("good", done)
    return _answered()


def _say(kind: str, text: str) -> None:
    session[SAID] = [kind, text, time()]


def _said() -> tuple[str, str] | None:
    kind, text, at = session.get(SAID, ("", "", 0.0))
    return (kind, text) if time() - at < SAID_S else None


def _by_script() -> bool:
    return "HX-Request" in request.headers


def _answered() -> AnyResponse:
    """What changes, for whoever fetches only that; else the whole page."""
    return desk_now() if _by_script() else redirect(url_for("agent.desk"), 303)
