"""How a view reaches the house, which hangs on the application that `create_app` was given it for, and its queues."""

from typing import cast

from flask import current_app

from callback.domain.ids import QueueKey
from callback.domain.policy import Queue
from callback.ports import House
from callback.web.options import WebOptions

HOUSE = "callback.house"
OPTIONS = "callback.options"


def house() -> House:
    """The house of the running application."""
    return cast(House, current_app.extensions[HOUSE])


def recorded_queue(key: str) -> Queue:
    """A queue as the record has it now, whatever the line still goes by. Raises NotFound."""
    with house().store.look() as work:
        return work.queue(QueueKey(key))


def options() -> WebOptions:
    """What the running application was told about its place in the world."""
    return cast(WebOptions, current_app.extensions[OPTIONS])
