"""The Messages, Queues, Members and IncomingPhoneNumbers resources."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aiohttp import web

from callback.emulator import resources
from callback.emulator.account import PhoneNumber
from callback.emulator.documents import Source
from callback.emulator.errors import NOT_FOUND, UNKNOWN_PARAMETER, CarrierError
from callback.emulator.messages import Message
from callback.emulator.paging import PAGING, page, within
from callback.emulator.queues import DEFAULT_SIZE, LARGEST_SIZE, CallQueue
from callback.emulator.rest import CARRIER, Parameters, flag_of, form_of, method_of, url_of, whole_of

SEND = Parameters(
    frozenset({"To", "From", "Body", "StatusCallback", "MessagingServiceSid"}),
    frozenset({"ValidityPeriod", "SmartEncoded", "ShortenUrls", "RiskCheck"}),
)
MESSAGES = Parameters(PAGING | {"To", "From", "DateSent", "DateSent<", "DateSent>"})
REDACT = Parameters(frozenset({"Body"}))
QUEUE = Parameters(frozenset({"FriendlyName", "MaxSize"}))
PLAIN = Parameters(PAGING)
DEQUEUE = Parameters(frozenset({"Url", "Method"}))
NUMBERS = Parameters(PAGING | {"PhoneNumber", "FriendlyName"})
_URLS = {
    "VoiceUrl": "voice_url",
    "VoiceFallbackUrl": "voice_fallback_url",
    "StatusCallback": "status_callback",
    "SmsUrl": "sms_url",
    "SmsFallbackUrl": "sms_fallback_url",
}
_METHODS = {
    "VoiceMethod": "voice_method",
    "VoiceFallbackMethod": "voice_fallback_method",
    "StatusCallbackMethod": "status_callback_method",
    "SmsMethod": "sms_method",
    "SmsFallbackMethod": "sms_fallback_method",
}
CONFIGURE = Parameters(frozenset(_URLS) | frozenset(_METHODS) | {"FriendlyName", "VoiceCallerIdLookup"})


def routes(prefix: str) -> list[web.RouteDef]:
    """The resources' routes below the account's path."""
    return [
        web.post(f"{prefix}/Messages.json", send),
        web.get(f"{prefix}/Messages.json", list_messages),
        web.get(f"{prefix}/Messages/{{sid}}.json", fetch_message),
        web.post(f"{prefix}/Messages/{{sid}}.json", redact_message),
        web.delete(f"{prefix}/Messages/{{sid}}.json", delete_message),
        web.post(f"{prefix}/Queues.json", create_queue),
        web.get(f"{prefix}/Queues.json", list_queues),
        web.get(f"{prefix}/Queues/{{sid}}.json", fetch_queue),
        web.get(f"{prefix}/Queues/{{sid}}/Members.json", list_members),
        web.get(f"{prefix}/Queues/{{sid}}/Members/{{call}}.json", fetch_member),
        web.post(f"{prefix}/Queues/{{sid}}/Members/{{call}}.json", dequeue_member),
        web.get(f"{prefix}/IncomingPhoneNumbers.json", list_numbers),
        web.get(f"{prefix}/IncomingPhoneNumbers/{{sid}}.json", fetch_number),
        web.post(f"{prefix}/IncomingPhoneNumbers/{{sid}}.json", update_number),
    ]


def _account_sid(request: web.Request) -> str:
    return request.app[CARRIER].exchange.account.sid


# Messages ----------------------------------------------------------------------------------------------------------


async def send(request: web.Request) -> web.Response:
    """``POST Messages.json``."""
    form = form_of(request)
    SEND.check(form)
    message = request.app[CARRIER].messaging.send(
        from_=form.get("From", ""),
        to=form.get("To", ""),
        body=form.get("Body", ""),
        status_callback=url_of(form, "StatusCallback"),
        service=form.get("MessagingServiceSid"),
    )
    return web.json_response(resources.message(_account_sid(request), message), status=201)


async def list_messages(request: web.Request) -> web.Response:
    """``GET Messages.json``: newest first."""
    MESSAGES.check(request.query)
    query = request.query
    found = [
        message
        for message in reversed(request.app[CARRIER].messaging.messages.values())
        if query.get("To", message.to) == message.to
        and query.get("From", message.from_) == message.from_
        and within(message.sent, query, "DateSent")
    ]
    sid = _account_sid(request)
    body = page(
        found,
        path=request.path,
        query=query,
        key="messages",
        name_of=lambda message: message.sid,
        show=lambda message: resources.message(sid, message),
    )
    return web.json_response(body)


def _message(request: web.Request) -> Message:
    message = request.app[CARRIER].messaging.messages.get(request.match_info["sid"])
    if message is None:
        raise CarrierError(NOT_FOUND, request.path)
    return message


async def fetch_message(request: web.Request) -> web.Response:
    """``GET Messages/SID.json``."""
    return web.json_response(resources.message(_account_sid(request), _message(request)))


async def redact_message(request: web.Request) -> web.Response:
    """``POST Messages/SID.json`` with an empty Body: the text is forgotten."""
    REDACT.check(form_of(request))
    message = _message(request)
    if form_of(request).get("Body") != "":
        raise CarrierError(UNKNOWN_PARAMETER, "Body can only be emptied")
    message.body = ""
    return web.json_response(resources.message(_account_sid(request), message))


async def delete_message(request: web.Request) -> web.Response:
    """``DELETE Messages/SID.json``."""
    message = _message(request)
    if message.status in ("queued", "sent"):
        raise CarrierError(20009, message.status)
    del request.app[CARRIER].messaging.messages[message.sid]
    return web.Response(status=204)


# Queues and their members ------------------------------------------------------------------------------------------


async def create_queue(request: web.Request) -> web.Response:
    """``POST Queues.json``."""
    form = form_of(request)
    QUEUE.check(form)
    name, exchange = form.get("FriendlyName", ""), request.app[CARRIER].exchange
    if not 1 <= len(name) <= 64:
        raise CarrierError(UNKNOWN_PARAMETER, "FriendlyName has 1 to 64 characters")
    if any(queue.name == name for queue in exchange.queues.values()):
        raise CarrierError(22003, name)
    queue = exchange.queue_named(name, whole_of(form, "MaxSize", DEFAULT_SIZE, 1, LARGEST_SIZE))
    return web.json_response(resources.queue(exchange.account.sid, queue), status=201)


def _queue(request: web.Request) -> CallQueue:
    queue = request.app[CARRIER].exchange.queues.get(request.match_info["sid"])
    if queue is None:
        raise CarrierError(NOT_FOUND, request.path)
    return queue


async def list_queues(request: web.Request) -> web.Response:
    """``GET Queues.json``."""
    PLAIN.check(request.query)
    sid = _account_sid(request)
    body = page(
        list(request.app[CARRIER].exchange.queues.values()),
        path=request.path,
        query=request.query,
        key="queues",
        name_of=lambda queue: queue.sid,
        show=lambda queue: resources.queue(sid, queue),
    )
    return web.json_response(body)


async def fetch_queue(request: web.Request) -> web.Response:
    """``GET Queues/SID.json``."""
    return web.json_response(resources.queue(_account_sid(request), _queue(request)))


async def list_members(request: web.Request) -> web.Response:
    """``GET Queues/SID/Members.json``: in order of position."""
    PLAIN.check(request.query)
    queue, sid = _queue(request), _account_sid(request)
    body = page(
        queue.members,
        path=request.path,
        query=request.query,
        key="queue_members",
        name_of=lambda member: member.leg.sid,
        show=lambda member: resources.member(sid, queue, member),
    )
    return web.json_response(body)


async def fetch_member(request: web.Request) -> web.Response:
    """``GET Queues/SID/Members/CALL.json``; ``Front`` is the first."""
    queue = _queue(request)
    member = queue.find(request.match_info["call"])
    if member is None:
        raise CarrierError(NOT_FOUND, request.path)
    return web.json_response(resources.member(_account_sid(request), queue, member))


async def dequeue_member(request: web.Request) -> web.Response:
    """``POST Queues/SID/Members/CALL.json``: takes a member out and has the call execute another document."""
    form = form_of(request)
    DEQUEUE.check(form)
    queue = _queue(request)
    member = queue.find(request.match_info["call"])
    if member is None:
        raise CarrierError(NOT_FOUND, request.path)
    url = url_of(form, "Url")
    if not url:
        raise CarrierError(21205, "Url is required")
    answer = resources.member(_account_sid(request), queue, member)
    request.app[CARRIER].exchange.divert(member.leg, Source(url, method_of(form, "Method")))
    queue.leave(member)
    return web.json_response(answer)


# Numbers -----------------------------------------------------------------------------------------------------------


async def list_numbers(request: web.Request) -> web.Response:
    """``GET IncomingPhoneNumbers.json``; PhoneNumber may be a part of the number, ``*`` stands for one digit."""
    NUMBERS.check(request.query)
    pattern = re.escape(request.query.get("PhoneNumber", "")).replace(r"\*", r"\d")
    name = request.query.get("FriendlyName")
    numbers = [
        number
        for number in request.app[CARRIER].exchange.account.numbers.values()
        if re.search(pattern, number.phone_number) and name in (None, number.friendly_name)
    ]
    sid = _account_sid(request)
    body = page(
        numbers,
        path=request.path,
        query=request.query,
        key="incoming_phone_numbers",
        name_of=lambda number: number.sid,
        show=lambda number: resources.phone_number(sid, number),
    )
    return web.json_response(body)


def _number(request: web.Request) -> PhoneNumber:
    for number in request.app[CARRIER].exchange.account.numbers.values():
        if number.sid == request.match_info["sid"]:
            return number
    raise CarrierError(NOT_FOUND, request.path)


async def fetch_number(request: web.Request) -> web.Response:
    """``GET IncomingPhoneNumbers/SID.json``."""
    return web.json_response(resources.phone_number(_account_sid(request), _number(request)))


async def update_number(request: web.Request) -> web.Response:
    """``POST IncomingPhoneNumbers/SID.json``: where the number's webhooks go."""
    form = form_of(request)
    CONFIGURE.check(form)
    number = _number(request)
    for name, field in _changes(form).items():
        setattr(number, name, field)
    number.updated = request.app[CARRIER].exchange.clock.now()
    return web.json_response(resources.phone_number(_account_sid(request), number))


def _changes(form: Mapping[str, str]) -> dict[str, str | bool]:
    changes: dict[str, str | bool] = {field: url_of(form, name) for name, field in _URLS.items() if name in form}
    changes |= {field: method_of(form, name) for name, field in _METHODS.items() if name in form}
    if "FriendlyName" in form:
        changes["friendly_name"] = form["FriendlyName"]
    if "VoiceCallerIdLookup" in form:
        changes["voice_caller_id_lookup"] = flag_of(form, "VoiceCallerIdLookup")
    return changes
