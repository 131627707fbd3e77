"""The Calls resource: create, list, fetch, update, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web

from callback.emulator import resources
from callback.emulator.amd import Detection
from callback.emulator.documents import Source
from callback.emulator.errors import NOT_FOUND, UNKNOWN_PARAMETER, CarrierError
from callback.emulator.exchange import CallRequest
from callback.emulator.leg import Fallback, Leg, StatusCallback
from callback.emulator.paging import PAGING, page, within
from callback.emulator.rest import CARRIER, Carrier, Parameters, flag_of, form_of, method_of, url_of, whole_of

LONGEST_TWIML = 4000
EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})
_DOCUMENT = frozenset({"Url", "Method", "Twiml", "FallbackUrl", "FallbackMethod"})
_CALLBACK = frozenset({"StatusCallback", "StatusCallbackMethod"})
CREATE = Parameters(
    _DOCUMENT
    | _CALLBACK
    | {"To", "From", "StatusCallbackEvent", "Timeout", "SendDigits", "MachineDetection", "MachineDetectionTimeout"}
    | {"AsyncAmd", "AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod"},
    frozenset({"CallReason", "MachineDetectionSpeechThreshold", "MachineDetectionSpeechEndThreshold"})
    | {"MachineDetectionSilenceTimeout"},
)
UPDATE = Parameters(_DOCUMENT | _CALLBACK | {"Status"})
_TIMES = frozenset(name + suffix for name in ("StartTime", "EndTime") for suffix in ("", "<", ">"))
LIST = Parameters(PAGING | _TIMES | {"To", "From", "Status", "ParentCallSid"})


def routes(prefix: str) -> list[web.RouteDef]:
    """The resource's routes below the account's path."""
    return [
        web.post(f"{prefix}/Calls.json", create),
        web.get(f"{prefix}/Calls.json", listing),
        web.get(f"{prefix}/Calls/{{sid}}.json", fetch),
        web.post(f"{prefix}/Calls/{{sid}}.json", update),
        web.delete(f"{prefix}/Calls/{{sid}}.json", delete),
    ]


def _show(carrier: Carrier, leg: Leg, status: int = 200) -> web.Response:
    return web.json_response(resources.call(carrier.exchange.account.sid, leg), status=status)


def _find(request: web.Request) -> Leg:
    leg = request.app[CARRIER].exchange.legs.get(request.match_info["sid"])
    if leg is None:
        raise CarrierError(NOT_FOUND, request.path)
    return leg


async def create(request: web.Request) -> web.Response:
    """``POST Calls.json``: 201 with a queued call, or a refusal."""
    form = form_of(request)
    CREATE.check(form)
    carrier = request.app[CARRIER]
    _may_call(carrier, form)
    posted = await request.post()
    events = [str(event) for event in posted.getall("StatusCallbackEvent", [])]
    call = CallRequest(
        to=form["To"],
        from_=form["From"],
        source=_source(form),
        timeout_s=whole_of(form, "Timeout", 60, 1, 600),
        status_callback=_status_callback(form, events),
        fallback=_fallback(form),
        detection=_detection(form),
        send_digits=form.get("SendDigits", ""),
    )
    return _show(carrier, carrier.exchange.place(call), 201)


def _may_call(carrier: Carrier, form: Mapping[str, str]) -> None:
    account = carrier.exchange.account
    if not form.get("To"):
        raise CarrierError(21201)
    if not form.get("From"):
        raise CarrierError(21213)
    refusal = account.refusal(form["To"])
    if refusal is not None:
        raise CarrierError(refusal, form["To"])
    if form["To"].startswith("+") and not account.may_call_from(form["From"]):
        raise CarrierError(21210, form["From"])


def _source(form: Mapping[str, str]) -> Source:
    url, twiml = url_of(form, "Url"), form.get("Twiml")
    if twiml is not None and len(twiml) > LONGEST_TWIML:
        raise CarrierError(UNKNOWN_PARAMETER, f"Twiml has more than {LONGEST_TWIML} characters")
    if not url and twiml is None:
        raise CarrierError(21205, "Url or Twiml is required")
    # The carrier ignores Twiml when a Url is given as well.
    return Source(url, method_of(form, "Method"), {}, None if url else twiml)


def _status_callback(form: Mapping[str, str], given: Sequence[str]) -> StatusCallback | None:
    url = url_of(form, "StatusCallback")
    events = frozenset(word for event in given for word in event.split())
    if not events <= EVENTS:
        raise CarrierError(UNKNOWN_PARAMETER, f"StatusCallbackEvent={' '.join(sorted(events))}")
    if not url:
        return None
    return StatusCallback(url, method_of(form, "StatusCallbackMethod"), events or frozenset({"completed"}))


def _fallback(form: Mapping[str, str]) -> Fallback | None:
    url = url_of(form, "FallbackUrl")
    return Fallback(url, method_of(form, "FallbackMethod")) if url else None


def _detection(form: Mapping[str, str]) -> Detection | None:
    wanted = form.get("MachineDetection")
    if wanted is None or form.get("SendDigits"):
        return None
    if wanted not in ("Enable", "DetectMessageEnd"):
        raise CarrierError(UNKNOWN_PARAMETER, f"MachineDetection={wanted}")
    url = url_of(form, "AsyncAmdStatusCallback")
    if flag_of(form, "AsyncAmd") and not url:
        raise CarrierError(21262)
    return Detection(
        to_end=wanted == "DetectMessageEnd",
        url=url if flag_of(form, "AsyncAmd") else "",
        method=method_of(form, "AsyncAmdStatusCallbackMethod"),
        timeout_s=whole_of(form, "MachineDetectionTimeout", 30, 3, 59),
    )


async def listing(request: web.Request) -> web.Response:
    """``GET Calls.json``: newest first; a call that was not dialled yet has no start time to filter on."""
    LIST.check(request.query)
    carrier = request.app[CARRIER]
    wanted = {"To": "to", "From": "from_", "Status": "status", "ParentCallSid": "parent_sid"}
    filters = {field: request.query[name] for name, field in wanted.items() if name in request.query}
    legs = [
        leg
        for leg in reversed(carrier.exchange.legs.values())
        if all(getattr(leg, field) == value for field, value in filters.items())
        and within(leg.times.dialed, request.query, "StartTime")
        and within(leg.times.ended, request.query, "EndTime")
    ]
    sid = carrier.exchange.account.sid
    body = page(
        legs,
        path=request.path,
        query=request.query,
        key="calls",
        name_of=lambda leg: leg.sid,
        show=lambda leg: resources.call(sid, leg),
    )
    return web.json_response(body)


async def fetch(request: web.Request) -> web.Response:
    """``GET Calls/SID.json``."""
    return _show(request.app[CARRIER], _find(request))


async def update(request: web.Request) -> web.Response:
    """``POST Calls/SID.json``: redirect (Url, Twiml) or end (Status) a call."""
    form = form_of(request)
    UPDATE.check(form)
    leg, carrier = _find(request), request.app[CARRIER]
    status = form.get("Status")
    if status not in (None, "canceled", "completed"):
        raise CarrierError(UNKNOWN_PARAMETER, f"Status={status}")
    redirect = _source(form) if {"Url", "Twiml"} & set(form) else None
    if redirect is not None and leg.status != "in-progress":
        raise CarrierError(21220, leg.status)
    leg.fallback = _fallback(form) or leg.fallback
    callback = _status_callback(form, ())
    if callback is not None:
        leg.status_callback = callback
    if status == "canceled":
        carrier.exchange.cancel(leg)
    elif status == "completed":
        carrier.exchange.complete(leg)
    elif redirect is not None:
        carrier.exchange.divert(leg, redirect)
    return _show(carrier, leg)


async def delete(request: web.Request) -> web.Response:
    """``DELETE Calls/SID.json``: removes the record of a call that has ended."""
    leg = _find(request)
    if not leg.ended.is_set():
        raise CarrierError(20009, leg.status)
    del request.app[CARRIER].exchange.legs[leg.sid]
    return web.Response(status=204)
