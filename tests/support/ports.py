"""Free TCP ports on loopback, for the servers that a test starts itself.

They are below those that the system gives to outgoing connections (from 32768 on Linux): a server that is away for a
while finds its port free again. Test processes begin to look far from each other, and none gives a port twice before
it has given all.
"""

import itertools
import os
import socket

FIRST, PORTS = 12_000, 20_000
APART = 1_009
"""How far from each other two processes with numbers side by side begin; no divisor of PORTS."""

_numbers = itertools.count(os.getpid() * APART)


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listened on a moment ago."""
    return next(port for number in _numbers if _is_free(port := FIRST + number % PORTS))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
