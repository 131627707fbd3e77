"""Texts to callers: the row is committed with the change that causes it, then a worker asks the carrier."""

import secrets
from dataclasses import replace
from datetime import datetime

from callback.domain import phone
from callback.domain.callback import Callback, Text
from callback.domain.policy import Queue
from callback.flows.hook import Hook
from callback.flows.menu import zone
from callback.ports import CarrierBusy, CarrierError, House, OutcomeUnknown, Work

OPTED_OUT = 21610


def compose(work: Work, house: House, queue: Queue, callback: Callback, kind: str, now: datetime) -> Text | None:
    """Write down a text of `kind` to the caller; None where none can be delivered, so that none is promised."""
    if not phone.can_text(callback.number) or work.opted_out(callback.number):
        return None
    body = house.words.text(kind, callback, queue.name, zone(queue), house.urls.status_page(callback.token))
    text = Text(
        id="tx" + secrets.token_hex(12),
        callback=callback.id,
        kind=kind,
        number=callback.number,
        body=body,
        created_at=now,
    )
    return work.add_text(text)


def send(house: House, id: str) -> None:
    """Ask the carrier to deliver one text. Unknown outcomes are not repeated: a text twice is worse than none."""
    with house.store.begin() as work:
        text = work.text(id)
        if text.status != "queued":
            return
        queue = house.book.queue(work.callback(text.callback).queue) if text.callback else None
        sender = house.knobs.caller_id or (queue.numbers[0] if queue and queue.numbers else "")
        text = work.save_text(replace(text, status="sending"))
    result = deliver(house, text, sender)
    with house.store.begin() as work:
        work.save_text(result)
        if result.error == str(OPTED_OUT):
            work.opt_out(text.number, house.clock.now())


def deliver(house: House, text: Text, sender: str) -> Text:
    """The carrier's answer as the text's new status."""
    try:
        status_url = house.urls.step("sms", id=text.id)
        sid = house.carrier.send_text(to=text.number, from_=sender, body=text.body, status_url=status_url)
    except CarrierBusy:
        return replace(text, status="queued")  # never processed: the sweep sends it again
    except OutcomeUnknown as unknown:
        return replace(text, status="unknown", error=str(unknown))
    except CarrierError as refused:
        return replace(text, status="failed", error=str(refused.code))
    return replace(text, status="sent", sid=sid)


def status(house: House, hook: Hook) -> None:
    """The carrier's word on a text: delivered, undelivered, failed."""
    with house.store.begin() as work:
        text = work.text(hook.query["id"])
        word = hook.form.get("MessageStatus", "")
        if word in {"delivered", "undelivered", "failed", "read"}:
            work.save_text(replace(text, status=word, error=hook.form.get("ErrorCode", "")))
