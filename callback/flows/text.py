"""Texts to callers: the row is committed with the change that causes it, then a worker asks the carrier."""

import secrets
from dataclasses import replace
from datetime import datetime

from callback.domain import phone, proof
from callback.domain.callback import Callback, Text
from callback.domain.ids import CallSid, QueueKey
from callback.domain.policy import Queue
from callback.flows import account
from callback.flows.book import zone
from callback.flows.hook import Hook
from callback.ports import CarrierBusy, CarrierError, CarrierStopped, House, OutcomeUnknown, Work

OPTED_OUT = 21610
LAST_WORDS = frozenset({"delivered", "undelivered", "failed", "read"})
"""What the carrier says of a text in the end."""
CANNOT_TEXT = 21606
"""The number it should come from sends no texts: a matter of that number alone."""


def compose(work: Work, house: House, queue: Queue, callback: Callback, kind: str, now: datetime) -> Text | None:
    """Write down a text of `kind` to the caller; None where none can be delivered, so that none is promised."""
    if not phone.can_text(callback.number) or work.opted_out(callback.number):
        return None
    url, wording = house.urls.status_page(callback.token), house.book.wording(queue.key)
    body = house.words.text(kind, callback, queue.name, zone(queue, callback.number), url, wording)
    return write(work, callback, kind, callback.number, body, now)


def write(work: Work, callback: Callback, kind: str, number: str, body: str, now: datetime) -> Text:
    """Write down a text about a callback, to any number."""
    name = "tx" + secrets.token_hex(12)
    return work.add_text(Text(id=name, callback=callback.id, kind=kind, number=number, body=body, created_at=now))


def send(house: House, id: str) -> None:
    """Ask the carrier to deliver one text. Unknown outcomes are not repeated: a text twice is worse than none. While
    the account is refused it stays where the sweep finds it."""
    if account.stopped(house, None) is not None:
        return
    with house.store.begin() as work:
        text = work.text(id, lock=True)  # it may have been dispatched twice
        if text.status != "queued":
            return
        if text.kind in proof.CODES and house.clock.now() - text.created_at > proof.LIFE:
            work.save_text(replace(text, status="failed", body="", error="the code is good for nothing any more"))
            return
        queue = house.book.queue(work.callback(text.callback).queue) if text.callback else None
        sender = house.knobs.caller_id or (queue.numbers[0] if queue and queue.numbers else "")
        text = work.save_text(replace(text, status="sending"))
    result = deliver(house, text, sender)
    with house.store.begin() as work:
        known = work.text(id, lock=True)
        if known.status in LAST_WORDS:  # said while the carrier's answer to us was on its way
            result = replace(known, sid=result.sid)
        work.save_text(without_code(result))
        if result.error == str(OPTED_OUT):
            work.opt_out(text.number, house.clock.now())


def without_code(text: Text) -> Text:
    """A one-time code is not kept once nobody will send it again."""
    return replace(text, body="") if text.kind in proof.CODES and text.status != "queued" else text


def deliver(house: House, text: Text, sender: str) -> Text:
    """The carrier's answer as the text's new status."""
    try:
        status_url = house.urls.step("sms", id=text.id)
        sid = house.carrier.send_text(to=text.number, from_=sender, body=text.body, status_url=status_url)
    except CarrierBusy:
        return replace(text, status="queued")  # never processed: the sweep sends it again
    except OutcomeUnknown as unknown:
        return replace(text, status="unknown", error=str(unknown))
    except CarrierStopped as stopped:
        if stopped.code == CANNOT_TEXT:
            return replace(text, status="failed", error=str(stopped.code))
        account.refused(house, sender, stopped)
        return replace(text, status="queued")
    except CarrierError as refused:
        return replace(text, status="failed", error=str(refused.code))
    return replace(text, status="sent", sid=sid)


def status(house: House, hook: Hook) -> None:
    """The carrier's word on a text: delivered, undelivered, failed."""
    with house.store.begin() as work:
        text = work.text(hook.query["id"])
        word = hook.form.get("MessageStatus", "")
        if word in LAST_WORDS:
            work.save_text(replace(text, status=word, error=hook.form.get("ErrorCode", "")))


STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit"})
"""The carrier's own opt-out words; it blocks further texts by itself, and we remember not to promise any."""


def received(house: House, hook: Hook) -> None:
    """A text from a caller: an opt-out is remembered; anything else is answered with where they stand, once a text."""
    number = phone.usable_caller(hook.caller)
    if number is None:
        return
    now = house.clock.now()
    body = hook.form.get("Body", "").strip().lower()
    queue = house.book.find(None, hook.form.get("To", ""))
    with house.store.begin() as work:
        if hook.form.get("OptOutType") == "STOP" or body in STOP_WORDS:
            work.opt_out(number, now)
            return
        new = work.first_sight(CallSid(hook.form.get("MessageSid", "")), "text", "0", now)
        found = work.open_callback(QueueKey(queue.key), number) if queue and new else None
        answer = compose(work, house, queue, found, "status", now) if queue and found else None
    if answer is not None:
        house.dispatch.text(answer.id)
