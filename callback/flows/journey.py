"""Every document and every report that the carrier can ask for, by path below `/voice/`: the table of contents of a
call.

Documents answer with what is heard next; reports change the state and answer with nothing.
"""

from collections.abc import Callable

from callback.domain.dialogue import Script
from callback.flows import (
    agentfirst,
    arrive,
    bridge,
    consult,
    ended,
    hold,
    menu,
    parted,
    rejoin,
    ring_test,
    text,
    together,
    transfer,
    trouble,
)
from callback.flows.hook import Hook
from callback.ports import House

Document = Callable[[House, Hook], Script]
Report = Callable[[House, Hook], None]

DOCUMENTS: dict[str, Document] = {
    "incoming": arrive.arrive,
    "offer": menu.offered,
    "confirm": menu.confirmed,
    "number": menu.numbered,
    "later": menu.later,
    "already": rejoin.chosen,
    "wait": hold.wait,
    "held": hold.held,
    "left": hold.left,
    "connect": bridge.redirected,
    "back": bridge.back_to_hold,
    "dialled": ended.dialled,
    "agent/whisper": bridge.whisper,
    "agent/key": bridge.agent_key,
    "agent/first": agentfirst.whisper,
    "agent/first/key": agentfirst.key,
    "agent/after": agentfirst.after,
    "agent/unreached": agentfirst.unreached,
    "agent/test": ring_test.answered,
    "agent/test/key": ring_test.key,
    "desk/room": parted.room,
    "desk/after": parted.after,
    "desk/caller": transfer.caller,
    "desk/forwarded": transfer.forwarded,
    "desk/consult": consult.asked,
    "desk/consulted": consult.consulted,
    "desk/other": consult.whisper,
    "desk/other/key": consult.key,
    "desk/other/joined": consult.joined,
    "desk/other/room": consult.other_room,
    "desk/other/after": consult.other_after,
    "fallback": trouble.fallback,
    "callback": bridge.answered,
    "callback/key": bridge.human_key,
}

REPORTS: dict[str, Report] = {
    "status": ended.customer_status,
    "inbound/status": ended.inbound_status,
    "agent/status": ended.agent_status,
    "agent/first/status": agentfirst.status,
    "agent/met/status": together.began,
    "agent/test/status": ring_test.status,
    "sms": text.status,
}

REPEATABLE = frozenset({"incoming", "wait", "connect", "back"})
"""Documents that are asked for again with the same URL by design, and are idempotent by themselves."""
