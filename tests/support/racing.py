"""Processes that race each other: real ones, which share nothing, and which need not all import the product first."""

import multiprocessing
from multiprocessing.context import ForkServerContext

RUNNERS = ["tests.support.line_racers", "tests.support.dial_racers"]


def racing() -> ForkServerContext:
    """What makes processes and what they meet at. They come from one that has imported the runners and done nothing
    else: importing takes each a second or two, and several of them on a small machine as long as all their races."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(RUNNERS)
    return context
