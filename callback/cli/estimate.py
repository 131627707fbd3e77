"""`callback estimate`: the process that learns how long callers wait."""

import signal
import threading
from types import FrameType

import click

from callback.cli.house import open_house
from callback.cli.sums import on_one_core

END_S = 2
"""Within this it has ended, whatever it was learning; whole seconds, as `signal.alarm` takes them."""


@click.command()
def estimate() -> None:
    """Learn how long callers wait, and keep what is expected at hand.

    Runs until it is ended. Several do no harm: one leads, another takes over within seconds.
    """
    on_one_core()
    from callback import logs
    from callback.flows import estimate as estimating
    from callback.flows import poison

    ending = threading.Event()

    def end(_: int, __: FrameType | None) -> None:
        signal.alarm(END_S)  # nobody handles it: the kernel ends us, and there is nothing to save
        ending.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    logs.as_json()
    with open_house(only_look=True) as built:
        estimating.run(built.house, ending.wait, lambda fault: poison.excused(built.house, fault))
