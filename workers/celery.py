"""The Celery application and its beat. `celery -A workers worker` and `celery -A workers beat` find it here.

Nothing is read from the environment until Celery asks: importing this opens and writes nothing. What a beat does not
need (the house and all its parts) is imported by whoever needs it, so that a beat starts in half the time.
"""

import os
import signal
from functools import lru_cache, partial
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar

from celery import Celery, bootsteps
from celery.signals import beat_init, worker_process_shutdown

from callback.adapters.dispatch import SETTINGS, CeleryDispatch
from callback.settings import Settings, load

if TYPE_CHECKING:
    from callback.ports import House
    from callback.wiring import Built

PERSIST_S = 0.5
"""How often the live calls' stream is written to the record: within a second, with room to spare."""
STAND_AGAIN_S = 15.0
"""How often the record's waiting promises are compared with the line."""
LEARN_S = 10.0
"""How often the journal is read on for the laws of dialling ahead, which change slowly."""
KEEP_SAID_S = 2.0
"""How often what callers were told is written to the record, and joined to what happened since."""
FORGET_SAID_S = 60.0
"""How often a slice of what is too old to be kept is deleted."""
REPORT_S = 10.0
"""How often the journal is read on for the reports."""
MEND_S = 3_600.0
"""How often the months of the reports are held against their days."""
ERASE_S = 5.0
"""How often somebody goes on with those who want to be forgotten, and blanks a slice of what is too old to be kept."""
EFFECT_S = 2.0
"""How often somebody looks whether a planned change of a policy is due."""
SIGN_S = 2.0
"""How often a worker says that it lives, and what kinds of work it does."""
END_S = 5
"""Within this a beat that was asked to end has ended; whole seconds, as `signal.alarm` takes them."""


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The environment, read once a process."""
    return load(os.environ)


class Configuration:
    """Celery's settings; those that depend on the environment are worked out when asked for."""

    def __getattr__(self, name: str) -> Any:
        if name in SETTINGS:
            return SETTINGS[name]
        raise AttributeError(name)

    def __dir__(self) -> list[str]:
        own = (
            "broker_url",
            "beat_schedule",
            "beat_max_loop_interval",
            "redbeat_redis_url",
            "redbeat_lock_timeout",
            "redbeat_redis_options",
            "redbeat_key_prefix",
        )
        return [*SETTINGS, *own]

    beat_max_loop_interval = 1
    redbeat_lock_timeout = 5
    redbeat_redis_options: ClassVar[dict[str, Any]] = {"socket_timeout": 5, "socket_connect_timeout": 1}
    redbeat_key_prefix = "callback:beat:"

    @property
    def broker_url(self) -> str | None:
        """Redis, which the line needs anyway."""
        return settings().redis_url

    @property
    def redbeat_redis_url(self) -> str | None:
        """Where two beats agree on who ticks."""
        return settings().redis_url

    @property
    def beat_schedule(self) -> dict[str, dict[str, Any]]:
        """The ticks. They never expire: `rounds` says why, and drops those that come too close together."""
        return {
            "sweep": {"task": "workers.tasks.sweep", "schedule": settings().sweep_s},
            "stand-again": {"task": "workers.tasks.stand_again", "schedule": STAND_AGAIN_S},
            "persist": {"task": "workers.tasks.persist", "schedule": PERSIST_S},
            "learn": {"task": "workers.tasks.learn", "schedule": LEARN_S},
            "keep-said": {"task": "workers.tasks.keep_said", "schedule": KEEP_SAID_S},
            "report": {"task": "workers.tasks.report", "schedule": REPORT_S},
            "mend-reports": {"task": "workers.tasks.mend_reports", "schedule": MEND_S},
            "erase": {"task": "workers.tasks.erase", "schedule": ERASE_S},
            "take-effect": {"task": "workers.tasks.take_effect", "schedule": EFFECT_S},
            "forget-said": {"task": "workers.tasks.forget_said", "schedule": FORGET_SAID_S},
        }


app = Celery("workers", set_as_current=False)
app.config_from_object(Configuration())


class Tasks(bootsteps.Step):
    """A worker has to know the tasks, while a beat only sends their names. All that a house is made of is imported
    before the pool is forked, which shares it: else each of its processes would import it for itself."""

    def __init__(self, parent: Any, **how: object) -> None:
        super().__init__(parent, **how)
        for module in ("workers.tasks", "callback.wiring"):
            import_module(module)


class SignOfLife(bootsteps.StartStopStep):
    """In a worker's own process, beside those that do the work: it lives, even where nobody has anything to do."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, parent: Any, **_: object) -> None:
        from callback.flows.condition import Crier

        self._crier = Crier()
        self._timer: Any = None
        super().__init__(parent)

    def start(self, parent: Any) -> None:
        """From now on, and every few seconds."""
        self._timer = parent.timer.call_repeatedly(SIGN_S, self._sign)

    def stop(self, parent: Any) -> None:  # noqa: ARG002
        """Nobody speaks for a worker that ends."""
        if self._timer is not None:
            self._timer.cancel()

    def _sign(self) -> None:
        house().board.beat(*app.amqp.queues.consume_from)
        self._crier.cry(house())


app.steps["worker"].update((Tasks, SignOfLife))

_built: "dict[int, Built]" = {}


def house() -> "House":
    """This process's house, built at its first task: connections are never shared across a fork."""
    from callback import logs, wiring

    pid = os.getpid()
    if pid not in _built:
        logs.as_json()
        _built[pid] = wiring.build(settings(), CeleryDispatch(app))
    return _built[pid].house


@worker_process_shutdown.connect
def _close(**_: object) -> None:
    built = _built.pop(os.getpid(), None)
    if built is not None:
        built.house.said.flush()
        built.store.close()
        built.redis.close()


@beat_init.connect
def _end_in_time(**_: object) -> None:
    """A beat that ends gives its lock back, and asks Redis for that twice: one that does not answer would keep it for
    ten seconds and more. It has nothing else to save, and the lock ends by itself."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, partial(_end, signal.getsignal(number)))


def _end(usual: Any, number: int, frame: FrameType | None) -> None:
    signal.alarm(END_S)  # nobody handles it: the kernel ends us, whatever we are waiting for
    usual(number, frame)
