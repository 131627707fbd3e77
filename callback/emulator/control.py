"""The control API below ``/_emulator/``: how tests look into the carrier, act as people and make it misbehave.

JSON in and out; unknown fields are refused with 400 and ``{"error": ...}``. Only for the loopback interface: no
sign-in.

Looking in:

``GET health``
    ``{"speed", "account_sid", "numbers"}``
``GET ledger?after=&kind=&sid=&limit=&wait=``
    ``{"entries", "last"}``; with ``wait`` (seconds) it answers at the first matching entry. Kinds: rest, rest-answer,
    webhook (its answer is filled in when it comes), answer, verb, call, key, key-ignored, message, error, crash,
    webhook-dropped, webhook-timeout.
``GET calls?to=&from=&status=&direction=&wait=&min=``
    ``{"calls": [leg, ...]}``, oldest first; waits until there are ``min`` (1).
``GET messages``
    ``{"messages": [...]}``: every text of the account.
``GET legs/SID``
    A leg: status, what it is doing, everything heard, with whom it talks.
``GET legs/SID/wait?until=&heard=&after=&timeout=``
    The leg once it is in that state (a status, gather, enqueued, dialing, bridged, conference, recording, detecting,
    whisper, answered, ended) or has heard that REGEX. ``until=gather&after=N`` waits for a gather beyond the N-th, N
    being ``gathers`` of an earlier answer. ``reached`` tells whether it came to that within ``timeout`` (10 s).

Being people:

``POST call_in``
    ``{"from", "to", "params"?, "behaviour"?}`` gives ``{"sid"}``.
``POST text_in``
    ``{"from", "to", "body"}`` gives ``{"sid"}``.
``POST legs/SID/press``
    ``{"digits"}``; also ``hang_up``, ``answer``, ``decline`` ``{"how"}``, ``answer_as_machine`` ``{"kind"?}``: each
    gives the leg.
``POST endpoints``
    ``{"address", "behaviour": {...}}``, or ``"behaviours": [...]``, one for each ring; fields are described in
    :mod:`callback.emulator.scripted`.
``GET endpoints?address=``
    ``{"rings", "texts"}``; ``DELETE`` takes the endpoint away.

Making it misbehave:

``POST verdicts``
    ``{"address", "call_error"?, "unallocated"?, "sms"?, "sms_error"?}``: what the network does with an address.
``POST account``
    ``{"countries"?, "suspended"?, "concurrency"?, "calls_per_second"?, "verified_callers"?, "ring_slack_s"?}``
``POST faults``
    A rule of :class:`callback.emulator.faults.Rule`, answered with its id. ``GET faults``, ``DELETE faults``,
    ``DELETE faults/ID``.
``GET held``, ``POST held/ID/release``
    Webhooks held by a rule, in order of arrival.
``POST reset``
    Hangs everything up; forgets calls, queues, endpoints, rules, verdicts and opt-outs.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from callback.emulator import resources
from callback.emulator.account import Verdict
from callback.emulator.faults import Rule
from callback.emulator.leg import Leg
from callback.emulator.rest import CARRIER, Carrier
from callback.emulator.scripted import Behaviour, Person, ScriptedEndpoint, wait_heard

LONGEST_WAIT_S = 60.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def routes() -> list[web.RouteDef]:
    """The control API's routes."""
    return [
        web.get("/_emulator/health", _health),
        web.get("/_emulator/ledger", _ledger),
        web.get("/_emulator/calls", _calls),
        web.get("/_emulator/messages", _messages),
        web.post("/_emulator/call_in", _call_in),
        web.post("/_emulator/text_in", _text_in),
        web.get("/_emulator/legs/{sid}", _leg),
        web.get("/_emulator/legs/{sid}/wait", _wait),
        web.post("/_emulator/legs/{sid}/{act}", _act),
        web.post("/_emulator/endpoints", _add_endpoint),
        web.get("/_emulator/endpoints", _show_endpoint),
        web.delete("/_emulator/endpoints", _remove_endpoint),
        web.post("/_emulator/verdicts", _set_verdict),
        web.post("/_emulator/account", _set_account),
        web.post("/_emulator/faults", _add_fault),
        web.get("/_emulator/faults", _list_faults),
        web.delete("/_emulator/faults", _remove_faults),
        web.delete("/_emulator/faults/{id}", _remove_faults),
        web.get("/_emulator/held", _held),
        web.post("/_emulator/held/{id}/release", _release),
        web.post("/_emulator/reset", _reset),
    ]


async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Runs a handler; what the asker got wrong becomes a 400 that says so."""
    try:
        return await handler(request)
    except (ValueError, KeyError, TypeError) as error:
        return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)


def _carrier(request: web.Request) -> Carrier:
    return request.app[CARRIER]


async def _body(request: web.Request, *known: str) -> Mapping[str, Any]:
    data = await request.json() if request.can_read_body else {}
    if not isinstance(data, dict):
        raise TypeError("a JSON object is needed")
    unknown = sorted(set(data) - set(known)) if known else []
    if unknown:
        raise ValueError(f"unknown fields: {', '.join(unknown)}; known are {', '.join(known)}")
    return data


def _find(request: web.Request) -> Leg:
    leg = _carrier(request).exchange.legs.get(request.match_info["sid"])
    if leg is None:
        raise web.HTTPNotFound(text='{"error": "no such call"}', content_type="application/json")
    return leg


def leg_json(leg: Leg) -> dict[str, Any]:
    """A leg as the control API shows it."""
    other = next((one for one in leg.bridge.legs if one is not leg), None) if leg.bridge is not None else None
    return {
        "sid": leg.sid,
        "parent_sid": leg.parent_sid,
        "status": leg.status,
        "direction": leg.direction,
        "from": leg.from_,
        "to": leg.to,
        "answered_by": leg.answered_by,
        "doing": leg.activities,
        "gathering": leg.is_now("gather"),
        "gathers": leg.gathers,
        "bridged_with": other.sid if other is not None else None,
        "heard": [
            {
                "at": dt.datetime.fromtimestamp(moment, dt.UTC).isoformat(),
                "kind": heard.kind,
                "text": heard.text,
                "language": heard.language,
                "leg": heard.leg.sid if heard.leg is not None else None,
            }
            for moment, heard in leg.transcript
        ],
    }


# Looking in --------------------------------------------------------------------------------------------------------


async def _health(request: web.Request) -> web.Response:
    exchange = _carrier(request).exchange
    numbers = {number.phone_number: number.voice_url for number in exchange.account.numbers.values()}
    about = {"speed": exchange.clock.speed, "account_sid": exchange.account.sid, "numbers": numbers}
    return web.json_response(about)


async def _until(carrier: Carrier, seconds: float, holds: Callable[[], bool]) -> None:
    """Waits for ledger news until ``holds()`` or the time is up."""
    ledger, clock = carrier.exchange.ledger, carrier.exchange.clock
    deadline = clock.now() + min(seconds, LONGEST_WAIT_S)
    while not holds() and clock.now() < deadline:
        await ledger.wait_news(deadline - clock.now())


async def _ledger(request: web.Request) -> web.Response:
    query, carrier = request.query, _carrier(request)
    ledger = carrier.exchange.ledger
    after, limit = int(query.get("after", "0")), int(query.get("limit", "1000"))
    kind, sid = query.get("kind", ""), query.get("sid", "")

    def found() -> list[dict[str, Any]]:
        return ledger.read(after=after, kind=kind, sid=sid, limit=limit)

    await _until(carrier, float(query.get("wait", "0")), lambda: bool(found()))
    return web.json_response({"entries": found(), "last": ledger.last})


async def _calls(request: web.Request) -> web.Response:
    query, carrier = request.query, _carrier(request)
    fields = {"to": "to", "from": "from_", "status": "status", "direction": "direction"}

    def found() -> list[Leg]:
        legs = carrier.exchange.legs.values()
        wanted = [(field, query[name]) for name, field in fields.items() if name in query]
        return [leg for leg in legs if all(getattr(leg, field) == value for field, value in wanted)]

    least = int(query.get("min", "1"))
    await _until(carrier, float(query.get("wait", "0")), lambda: len(found()) >= least)
    return web.json_response({"calls": [leg_json(leg) for leg in found()]})


async def _messages(request: web.Request) -> web.Response:
    carrier = _carrier(request)
    sid = carrier.exchange.account.sid
    texts = [resources.message(sid, message) for message in carrier.messaging.messages.values()]
    return web.json_response({"messages": texts})


# Being a person ----------------------------------------------------------------------------------------------------


async def _call_in(request: web.Request) -> web.Response:
    data = await _body(request, "from", "to", "params", "behaviour")
    exchange = _carrier(request).exchange
    behaviour = Behaviour.from_json(data.get("behaviour", {}))
    leg = await exchange.call_in(from_=data["from"], to=data["to"], **data.get("params", {}))
    if "behaviour" in data:
        exchange.spawn(Person(behaviour, exchange.clock).live(leg))
    return web.json_response({"sid": leg.sid}, status=201)


async def _text_in(request: web.Request) -> web.Response:
    data = await _body(request, "from", "to", "body")
    message = _carrier(request).messaging.receive(from_=data["from"], to=data["to"], body=data["body"])
    return web.json_response({"sid": message.sid}, status=201)


async def _leg(request: web.Request) -> web.Response:
    return web.json_response(leg_json(_find(request)))


async def _wait(request: web.Request) -> web.Response:
    leg, query = _find(request), request.query
    state, heard, after = query.get("until"), query.get("heard"), int(query.get("after", "0"))
    if state is None and heard is None:
        raise ValueError("until or heard is needed")

    async def reach() -> None:
        if heard is not None:
            await wait_heard(leg, heard)
        if state is not None:
            await leg.wait_until(lambda: leg.is_now(state) and leg.gathers > after - (state != "gather"))

    seconds = min(float(query.get("timeout", "10")), LONGEST_WAIT_S)
    reached = await _within(seconds, leg, reach)
    return web.json_response({**leg_json(leg), "reached": reached})


async def _within(seconds: float, leg: Leg, reach: Callable[[], Awaitable[None]]) -> bool:
    """Whether ``reach()`` returns in time and before the leg's end leaves no hope of it."""
    reaching = asyncio.ensure_future(reach())
    ended = asyncio.ensure_future(leg.ended.wait())
    try:
        await asyncio.wait({reaching, ended}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not reaching.done():
            await asyncio.sleep(0)
        return reaching.done()
    finally:
        reaching.cancel()
        ended.cancel()
        await asyncio.gather(reaching, ended, return_exceptions=True)


async def _act(request: web.Request) -> web.Response:
    leg, act = _find(request), request.match_info["act"]
    data = await _body(request, "digits", "how", "kind")
    if act == "press":
        await leg.press(str(data["digits"]))
    elif act == "hang_up":
        await leg.hang_up()
    elif act == "answer":
        await leg.answer()
    elif act == "decline":
        if data["how"] not in ("busy", "no-answer", "failed"):
            raise ValueError("how must be busy, no-answer or failed")
        await leg.decline(data["how"])
    elif act == "answer_as_machine":
        await leg.answer_as_machine(data.get("kind", "machine_start"))
    else:
        raise ValueError(f"a leg cannot {act}")
    return web.json_response(leg_json(leg))


async def _add_endpoint(request: web.Request) -> web.Response:
    data = await _body(request, "address", "behaviour", "behaviours")
    exchange = _carrier(request).exchange
    given = data.get("behaviours") or [data.get("behaviour", {})]
    endpoint = ScriptedEndpoint([Behaviour.from_json(one) for one in given], exchange.clock)
    exchange.register(data["address"], endpoint)
    return web.json_response({"address": data["address"]}, status=201)


async def _show_endpoint(request: web.Request) -> web.Response:
    endpoint = _carrier(request).exchange.endpoint(request.query["address"])
    if not isinstance(endpoint, ScriptedEndpoint):
        raise KeyError("no scripted endpoint at that address")
    return web.json_response({"rings": endpoint.rings, "texts": endpoint.texts})


async def _remove_endpoint(request: web.Request) -> web.Response:
    _carrier(request).exchange.unregister(request.query["address"])
    return web.Response(status=204)


# The network, the account and their misbehaviour --------------------------------------------------------------------


async def _set_verdict(request: web.Request) -> web.Response:
    data = dict(await _body(request, "address", "call_error", "unallocated", "sms", "sms_error"))
    address = data.pop("address")
    _carrier(request).exchange.account.verdicts[address] = Verdict(**data)
    return web.json_response({"address": address, **data}, status=201)


async def _set_account(request: web.Request) -> web.Response:
    known = ("countries", "suspended", "concurrency", "calls_per_second", "verified_callers", "ring_slack_s")
    data = await _body(request, *known)
    exchange = _carrier(request).exchange
    account = exchange.account
    if "countries" in data:
        account.countries = None if data["countries"] is None else {str(code) for code in data["countries"]}
    if "verified_callers" in data:
        account.verified_callers = set(data["verified_callers"])
    account.suspended = bool(data.get("suspended", account.suspended))
    account.concurrency = data.get("concurrency", account.concurrency)
    exchange.pacer.per_second = data.get("calls_per_second", exchange.pacer.per_second)
    exchange.ring_slack_s = float(data.get("ring_slack_s", exchange.ring_slack_s))
    return web.json_response({"calls_per_second": exchange.pacer.per_second, "suspended": account.suspended})


async def _add_fault(request: web.Request) -> web.Response:
    rule = Rule.from_json(await _body(request))
    return web.json_response(_carrier(request).exchange.faults.add(rule).to_json(), status=201)


async def _list_faults(request: web.Request) -> web.Response:
    return web.json_response({"rules": [rule.to_json() for rule in _carrier(request).exchange.faults.rules]})


async def _remove_faults(request: web.Request) -> web.Response:
    _carrier(request).exchange.faults.remove(request.match_info.get("id"))
    return web.Response(status=204)


async def _held(request: web.Request) -> web.Response:
    held = _carrier(request).exchange.faults.held.values()
    shown = [{"id": one.id, "purpose": one.purpose, "url": one.url, "form": dict(one.form)} for one in held]
    return web.json_response({"held": shown})


async def _release(request: web.Request) -> web.Response:
    if not _carrier(request).exchange.faults.release(request.match_info["id"]):
        raise web.HTTPNotFound(text='{"error": "no such webhook is held"}', content_type="application/json")
    return web.Response(status=204)


async def _reset(request: web.Request) -> web.Response:
    exchange = _carrier(request).exchange
    exchange.reset()
    return web.Response(status=204)
