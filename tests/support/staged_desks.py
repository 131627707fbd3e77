"""Desks whose agents ask somebody else about their caller: one that rings a colleague, one that talks with one, three
together, and one with a number outside. They have a queue of their own, so that nothing else of the house changes.
"""

from dataclasses import replace
from typing import Any

from callback.domain.callback import Leg, LegKind
from callback.domain.desk import Stage, Talk, Wish
from callback.domain.ids import AgentKey, CallSid, QueueKey
from callback.domain.lifecycle import AgentStatus
from callback.flows import handed, talks
from tests.support.web_house import WebHouse

ORDERS = QueueKey("orders")
COLLEAGUES = {"fay": "gus", "hana": "ivo", "jan": "kim", "lou": ""}
"""Who asks whom; lou asks a number."""
OUTSIDE = "+12015554800"


def stage_desks(web: WebHouse) -> None:
    """Puts the four of them, and whom they ask, into the house."""
    web.queue(ORDERS, "Orders", ("+12015550103",))
    for at, (asker, colleague) in enumerate(COLLEAGUES.items()):
        talk = _talking(web, asker, f"+1201555{4700 + at}")
        if colleague:
            web.agent(colleague, queues=(ORDERS,), status=AgentStatus.AVAILABLE)
            token = handed.reserve(web.house, talk, AgentKey(colleague), ORDERS)
            assert token is not None
            talk = replace(talk, other=Wish.AGENT, to=colleague, other_token=token)
        else:
            talk = replace(talk, other=Wish.NUMBER, to=OUTSIDE)
        if asker != "fay":
            talk = _answered(web, talk)
        with web.store.begin() as work:
            work.put_talk(replace(talk, **_stage(asker, talk)))


def _talking(web: WebHouse, agent: str, number: str) -> Talk:
    """A caller with this agent, who hears music since a moment ago."""
    now = web.clock.now()
    web.agent(agent, queues=(ORDERS,), status=AgentStatus.AVAILABLE)
    call = web.caller(ORDERS)
    with web.store.begin() as work:
        work.put_leg(Leg(call, LegKind.INBOUND, ORDERS, "waiting", number, now, joined_at=now, language="en"))
    view = web.line.agent(AgentKey(agent))
    assert view.token is not None
    web.line.bridge(view.token, now=now, agent_leg=CallSid(f"CA{agent}"))
    pairing = web.line.reservation(view.token)
    assert pairing is not None
    return talks.fresh(pairing, call, CallSid(f"CA{agent}"))


def _answered(web: WebHouse, talk: Talk) -> Talk:
    """Whoever is asked has picked up."""
    now, leg = web.clock.now(), CallSid(f"CA{talk.to}")
    if talk.other_token:
        web.line.bridge(talk.other_token, now=now, agent_leg=leg)
    return replace(talk, other_leg=leg, other_at=now)


def _stage(asker: str, talk: Talk) -> dict[str, Any]:
    """All three together, or in private with the caller on hold."""
    if asker == "jan":
        return {"stage": Stage.JOIN, "room": 2, "agent_room": 2, "other_room": 2}
    return {"stage": Stage.CONSULT, "wish": Wish.HOLD, "room": 1, "agent_room": 1, "held_at": talk.began_at}
