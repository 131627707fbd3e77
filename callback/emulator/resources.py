"""The REST API's resources as JSON, with every field its description names."""

from __future__ import annotations

import re
from typing import Any

from callback.emulator.account import PhoneNumber
from callback.emulator.documents import API_VERSION
from callback.emulator.leg import Leg
from callback.emulator.messages import Message
from callback.emulator.queues import CallQueue, Member
from callback.emulator.reports import rfc2822

Resource = dict[str, Any]


def date(moment: float | None) -> str | None:
    """RFC 2822 in UTC, or None."""
    return None if moment is None else rfc2822(moment)


def formatted(address: str) -> str:
    """An American number as it is written there; anything else unchanged."""
    parts = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", address)
    return "({}) {}-{}".format(*parts.groups()) if parts else address


def base(account_sid: str) -> str:
    """The path below which everything of the account lies."""
    return f"/{API_VERSION}/Accounts/{account_sid}"


def call(account_sid: str, leg: Leg) -> Resource:
    """A Call."""
    uri = f"{base(account_sid)}/Calls/{leg.sid}"
    parts = ("Events", "Notifications", "Payments", "Recordings", "Siprec", "Streams", "Transcriptions")
    return {
        "sid": leg.sid,
        "account_sid": account_sid,
        "parent_call_sid": leg.parent_sid,
        "phone_number_sid": leg.phone_number_sid,
        "to": leg.to,
        "to_formatted": formatted(leg.to),
        "from": leg.from_,
        "from_formatted": formatted(leg.from_),
        "status": leg.status,
        "direction": leg.direction,
        "answered_by": leg.answered_by,
        "date_created": date(leg.times.created),
        "date_updated": date(leg.times.updated),
        "start_time": date(leg.times.dialed),
        "end_time": date(leg.times.ended),
        "duration": None if leg.duration_s is None else str(leg.duration_s),
        "queue_time": str(leg.queue_time_ms),
        "price": None,
        "price_unit": "USD",
        "api_version": API_VERSION,
        "forwarded_from": leg.params.get("ForwardedFrom"),
        "caller_name": leg.params.get("CallerName"),
        "group_sid": None,
        "trunk_sid": None,
        "uri": f"{uri}.json",
        "subresource_uris": {part.lower(): f"{uri}/{part}.json" for part in parts},
    }


def message(account_sid: str, text: Message) -> Resource:
    """A Message."""
    uri = f"{base(account_sid)}/Messages/{text.sid}"
    return {
        "sid": text.sid,
        "account_sid": account_sid,
        "messaging_service_sid": text.service_sid,
        "to": text.to,
        "from": text.from_,
        "body": text.body,
        "status": text.status,
        "direction": text.direction,
        "num_segments": str(text.segments),
        "num_media": "0",
        "date_created": date(text.created),
        "date_updated": date(text.updated),
        "date_sent": date(text.sent),
        "error_code": text.error_code,
        "error_message": None if text.error_code is None else "The message was not delivered",
        "price": None,
        "price_unit": "USD",
        "api_version": API_VERSION,
        "uri": f"{uri}.json",
        "subresource_uris": {"media": f"{uri}/Media.json"},
    }


def queue(account_sid: str, line: CallQueue) -> Resource:
    """A Queue."""
    return {
        "sid": line.sid,
        "account_sid": account_sid,
        "friendly_name": line.name,
        "current_size": len(line.members),
        "max_size": line.max_size,
        "average_wait_time": line.average_wait_s,
        "date_created": date(line.created),
        "date_updated": date(line.updated),
        "uri": f"{base(account_sid)}/Queues/{line.sid}.json",
    }


def member(account_sid: str, line: CallQueue, who: Member) -> Resource:
    """A Member of a Queue."""
    return {
        "call_sid": who.leg.sid,
        "queue_sid": line.sid,
        "date_enqueued": date(who.joined),
        "position": line.position(who),
        "wait_time": line.waited_s(who),
        "uri": f"{base(account_sid)}/Queues/{line.sid}/Members/{who.leg.sid}.json",
    }


def phone_number(account_sid: str, number: PhoneNumber) -> Resource:
    """An IncomingPhoneNumber."""
    return {
        "sid": number.sid,
        "account_sid": account_sid,
        "phone_number": number.phone_number,
        "friendly_name": number.friendly_name or formatted(number.phone_number),
        "voice_url": number.voice_url,
        "voice_method": number.voice_method,
        "voice_fallback_url": number.voice_fallback_url,
        "voice_fallback_method": number.voice_fallback_method,
        "voice_caller_id_lookup": number.voice_caller_id_lookup,
        "voice_application_sid": None,
        "voice_receive_mode": "voice",
        "sms_url": number.sms_url,
        "sms_method": number.sms_method,
        "sms_fallback_url": number.sms_fallback_url,
        "sms_fallback_method": number.sms_fallback_method,
        "sms_application_sid": None,
        "status_callback": number.status_callback,
        "status_callback_method": number.status_callback_method,
        "address_requirements": "none",
        "address_sid": None,
        "identity_sid": None,
        "bundle_sid": None,
        "trunk_sid": None,
        "emergency_status": "Inactive",
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "beta": False,
        "capabilities": {"voice": True, "sms": True, "mms": False, "fax": False},
        "origin": "twilio",
        "status": "in-use",
        "type": "local",
        "api_version": API_VERSION,
        "date_created": date(number.created),
        "date_updated": date(number.updated),
        "uri": f"{base(account_sid)}/IncomingPhoneNumbers/{number.sid}.json",
    }
