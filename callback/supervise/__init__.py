"""Keeps the processes of the Procfile alive on one machine, and leaves none behind.

`callback run` needs what a platform gives in production: run the release step first, start everything, restart whatever
dies, keep the logs, and stop all of it on one Ctrl-C. The Procfile stays the deployment's truth.
"""

from callback.supervise.process import Command
from callback.supervise.procfile import commands_from
from callback.supervise.supervisor import Backoff, Event, EventKind, Supervisor, SupervisorError
from callback.supervise.terminal import Terminal

__all__ = ["Backoff", "Command", "Event", "EventKind", "Supervisor", "SupervisorError", "Terminal", "commands_from"]
