"""When a program's token was used last, right to the hour: written after the answer went out, once an hour and token.

Whoever asks is not kept waiting for it, and a record that cannot be written to is no reason to refuse a question.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from flask import Response, after_this_request

from callback.ports import ApiToken, House
from callback.web.context import house

EVERY = timedelta(hours=1)


def note(token: ApiToken) -> None:
    """Notes the use of the request at hand, unless that of the last hour is known."""
    now = house().clock.now()
    if not _known(token, now):
        write = partial(_write, house(), token.token_hash, now)
        after_this_request(partial(_afterwards, write))


def note_now(token: ApiToken) -> None:
    """The same at once, for whoever looks a token up beside any answer."""
    now = house().clock.now()
    if not _known(token, now):
        _write(house(), token.token_hash, now)


def _known(token: ApiToken, now: datetime) -> bool:
    return token.used_at is not None and now - token.used_at < EVERY


def _afterwards(write: Callable[[], None], answer: Response) -> Response:
    answer.call_on_close(write)
    return answer


def _write(house: House, token_hash: str, at: datetime) -> None:
    with suppress(ConnectionError), house.store.begin() as work:
        work.token_used(token_hash, at, every=EVERY)
