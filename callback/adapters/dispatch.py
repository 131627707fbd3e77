"""Work for the workers, by task name and ids only, through Celery.

Called after the commit, never within a transaction. Losing a task is allowed: the sweep finds what it was for. So a
broker that is away is told in the log and nothing more; it must not take down the webhook that has done its work.
"""

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from callback.adapters.outbox import Outbox
from callback.domain.ids import AttemptId, CallSid, Token

DIAL, MESSAGES, SWEEP, PERSIST = "dial", "messages", "sweep", "persist"
"""The queues of tasks; each is consumed by a process of the Procfile."""

ROUTES = {
    "workers.tasks.connect": {"queue": DIAL},
    "workers.tasks.dial_customer": {"queue": DIAL},
    "workers.tasks.hang_up": {"queue": DIAL},
    "workers.tasks.redirect": {"queue": DIAL},
    "workers.tasks.text": {"queue": MESSAGES},
    "workers.tasks.sweep": {"queue": SWEEP},
    "workers.tasks.stand_again": {"queue": SWEEP},
    "workers.tasks.take_effect": {"queue": SWEEP},
    "workers.tasks.erase": {"queue": MESSAGES},
    "workers.tasks.mend_reports": {"queue": MESSAGES},
    "workers.tasks.persist": {"queue": PERSIST},
    "workers.tasks.keep_said": {"queue": PERSIST},
    "workers.tasks.report": {"queue": PERSIST},
    "workers.tasks.forget_said": {"queue": PERSIST},
    "workers.tasks.learn": {"queue": PERSIST},
    "workers.tasks.rebuild": {"queue": SWEEP},
}

SETTINGS = {
    "task_routes": ROUTES,
    "task_default_queue": SWEEP,
    "task_create_missing_queues": True,
    "task_ignore_result": True,
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "worker_prefetch_multiplier": 1,
    "worker_hijack_root_logger": False,
    "worker_soft_shutdown_timeout": 8.0,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "task_soft_time_limit": 30,
    "task_time_limit": 45,
    "task_publish_retry": False,
    "broker_connection_retry_on_startup": True,
    "broker_connection_timeout": 1,
    "broker_transport_options": {"visibility_timeout": 120, "socket_timeout": 5, "socket_connect_timeout": 1},
    "task_serializer": "json",
    "accept_content": ["json"],
    "timezone": "UTC",
}
"""What web and workers must agree on. Tasks are acknowledged late and may run twice: every flow allows for it."""

FIRST_S = 0.005
"""How long somebody who hands over what a phone waits for lets it go first: whatever else they did meanwhile would hold
up the sending in the same process. A broker that is slower goes on beside them."""

_log = structlog.get_logger("callback.dispatch")


def make_celery(redis_url: str) -> Celery:
    """A Celery application that can send tasks to the workers. Connects when it first sends."""
    app = Celery("callback", broker=redis_url, set_as_current=False)
    app.conf.update(SETTINGS)
    return app


class CeleryDispatch:
    """`ports.Dispatch` over a Celery application. With an `outbox`, tasks are sent beside whoever hands them over: a
    broker that stays silent would keep somebody on the phone waiting."""

    def __init__(self, app: Celery, outbox: Outbox | None = None) -> None:
        self._app, self._outbox = app, outbox

    def connect(self, token: Token, delay_s: float = 0, *, paced: bool = False) -> None:
        self._send("connect", [token, paced], delay_s)

    def dial_customer(self, attempt: AttemptId, delay_s: float = 0, *, paced: bool = False) -> None:
        self._send("dial_customer", [attempt, paced], delay_s)

    def hang_up(self, call: CallSid, delay_s: float = 0, *, tries: int = 0) -> None:
        self._send("hang_up", [call, tries] if tries else [call], delay_s)

    def redirect(self, call: CallSid, url: str, *, or_end: bool = False) -> None:
        self._send("redirect", [call, url, or_end])

    def text(self, id: str) -> None:
        self._send("text", [id])

    def persist(self) -> None:
        self._send("persist", [])

    def rebuild(self) -> None:
        self._send("rebuild", [])

    def _send(self, name: str, args: list[object], delay_s: float = 0) -> None:
        if self._outbox is None:
            self._send_now(name, args, delay_s)
            return
        urgent = ROUTES[f"workers.tasks.{name}"]["queue"] == DIAL and not delay_s
        self._outbox.post(lambda: self._send_now(name, args, delay_s), first_s=FIRST_S if urgent else 0)

    def _send_now(self, name: str, args: list[object], delay_s: float) -> None:
        task = f"workers.tasks.{name}"
        try:
            self._app.send_task(task, args=args, countdown=delay_s or None, **ROUTES[task])
        except OperationalError as away:
            _log.warning("task not sent; the sweep will find its work", task=task, error=str(away))
