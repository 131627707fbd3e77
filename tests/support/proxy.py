"""A TCP proxy on loopback that stands before a server and does to its clients what networks do.

    with Proxy(server.port) as proxy:
        client = connect(proxy.through(server.url))
        with proxy.stalled():     # silence: connections open, nothing passes
            ...
        proxy.delay(0.3)          # every round trip takes 0.3 s longer
        proxy.cut()               # connections break, new ones are taken
        proxy.cut_after(10)       # the next answers break off after 10 bytes
        proxy.refuse()            # nobody listens any more
        proxy.resume()            # as if nothing had been

Each call takes effect at once, from any thread and for whatever is under way; all of it leaves the server alone. One
thread serves each direction of a connection, so that silence on one is not silence on another.
"""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)
"""Linger for no time at all: a close becomes a reset."""


class Proxy:
    """Listens on a port of its own (`port`) and passes everything to `target_port` on loopback."""

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self._flows = threading.Event()
        self._flows.set()
        self._lock = threading.Lock()
        self._pairs: set[_Pair] = set()
        self._delay_s = 0.0
        self._answer_left: int | None = None
        self._listener: socket.socket | None = None
        self.port = 0
        self.taken = 0
        self._listen()

    # --- what it does to clients --------------------------------------------------------------------------------

    def stall(self) -> None:
        """Nothing passes in either direction. Connections stay open and new ones are taken: packets are lost on the
        way. What was sent meanwhile arrives after `resume`, as TCP sends it again."""
        self._flows.clear()

    def swallow(self) -> None:
        """As `stall`, but the connections that exist now stay silent for ever, as behind a firewall that forgot them:
        after `resume` only new ones work."""
        for pair in self._present():
            pair.forgotten = True
        self.stall()

    def refuse(self) -> None:
        """Nobody listens, and every connection is reset: the server has died."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            listener.close()
        self.cut()

    def cut(self) -> None:
        """Every connection is reset, in the middle of whatever it was doing; new ones are taken."""
        for pair in self._present():
            pair.reset()

    def cut_after(self, answer_bytes: int) -> None:
        """Once the server has answered so many bytes more, on whichever connection, that connection is reset."""
        with self._lock:
            self._answer_left = answer_bytes

    def delay(self, seconds: float) -> None:
        """Whatever clients send takes so much longer to arrive: a round trip costs `seconds` more."""
        self._delay_s = seconds

    def resume(self) -> None:
        """Everything passes again."""
        self._delay_s = 0.0
        with self._lock:
            self._answer_left = None
        self._flows.set()
        if self._listener is None:
            self._listen()

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """A block during which nothing passes."""
        self.stall()
        try:
            yield
        finally:
            self.resume()

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """A block during which nobody listens."""
        self.refuse()
        try:
            yield
        finally:
            self.resume()

    # --- how it is used -----------------------------------------------------------------------------------------

    def through(self, url: str) -> str:
        """The URL of the server, with the proxy's address in it."""
        parts = urlsplit(url)
        who = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        return urlunsplit(parts._replace(netloc=f"{who}127.0.0.1:{self.port}"))

    @property
    def connections(self) -> int:
        """How many clients are connected now. `taken` is how many ever were."""
        return len(self._present())

    def close(self) -> None:
        """Everything ends."""
        self.refuse()
        self._flows.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()

    # --- how it is done -----------------------------------------------------------------------------------------

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(1024)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True, name="proxy").start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.taken += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True, name="proxy").start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
        except OSError:
            _reset(client)
            return
        server.settimeout(None)
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = _Pair(client, server)
        with self._lock:
            self._pairs.add(pair)
        threading.Thread(target=self._pump, args=(pair, server, client, False), daemon=True, name="proxy").start()
        self._pump(pair, client, server, True)

    def _pump(self, pair: "_Pair", source: socket.socket, sink: socket.socket, asks: bool) -> None:
        try:
            while data := source.recv(_CHUNK):
                if asks and self._delay_s:
                    time.sleep(self._delay_s)
                self._flows.wait()
                if pair.forgotten:
                    continue
                sink.sendall(data if asks else self._cut_short(pair, data))
        except OSError:
            pass
        if pair.forgotten:
            return  # nobody is told
        self._flows.wait()
        pair.end()
        with self._lock:
            self._pairs.discard(pair)

    def _cut_short(self, pair: "_Pair", answer: bytes) -> bytes:
        with self._lock:
            if self._answer_left is None:
                return answer
            kept = answer[: self._answer_left]
            self._answer_left -= len(kept)
            over = len(kept) < len(answer) or self._answer_left == 0
            if over:
                self._answer_left = None
        if over:
            with contextlib.suppress(OSError):
                pair.client.sendall(kept)
            pair.reset()
            raise ConnectionResetError
        return kept

    def _present(self) -> list["_Pair"]:
        with self._lock:
            return list(self._pairs)


class _Pair:
    """A client's connection and ours to the server."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.forgotten = False

    def end(self) -> None:
        for one in (self.client, self.server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def reset(self) -> None:
        for one in (self.client, self.server):
            _reset(one)


def _reset(one: socket.socket) -> None:
    """Gone without a goodbye. The shutdown wakes the thread that reads; what lingers for no time is sent as a reset."""
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        one.shutdown(socket.SHUT_RD)
    one.close()
