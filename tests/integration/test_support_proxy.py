"""The proxy that other tests blame on the network does what it says, and nothing else."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.proxy import Proxy
from tests.support.waiting import eventually, quickest

PATIENCE_S = 10.0
"""Nothing that is to come takes so long, on however busy a machine."""


class Echo:
    """A server that sends back what it gets."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                one, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(one,), daemon=True).start()

    @staticmethod
    def _echo(one: socket.socket) -> None:
        try:
            while data := one.recv(1000):
                one.sendall(data)
        except OSError:
            pass
        one.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    echo = Echo()
    with Proxy(echo.port) as proxy:
        yield proxy
    echo.close()


def connected(proxy: Proxy) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE_S)
    assert said(client) == b"hello"
    return client


def said(client: socket.socket, word: bytes = b"hello") -> bytes:
    client.sendall(word)
    return client.recv(100)


def is_silent(client: socket.socket, word: bytes = b"hello") -> bool:
    """Whether nothing comes back for a while."""
    client.settimeout(0.3)
    try:
        said(client, word)
        return False
    except TimeoutError:
        return True
    finally:
        client.settimeout(PATIENCE_S)


def is_broken(client: socket.socket) -> bool:
    """Whether nothing more comes: the end of the stream and a reset are a matter of who is quicker."""
    try:
        return said(client) == b""
    except ConnectionError:
        return True


def round_trip(client: socket.socket) -> float:
    """Seconds."""
    began = time.monotonic()
    assert said(client) == b"hello"
    return time.monotonic() - began


def test_everything_passes(proxy: Proxy) -> None:
    with connected(proxy) as one, connected(proxy) as other:
        assert [said(one, b"a"), said(other, b"b"), said(one, b"c")] == [b"a", b"b", b"c"]
        assert (proxy.connections, proxy.taken) == (2, 2)
    eventually(lambda: proxy.connections == 0)


def test_a_stall_is_silence_for_old_connections_and_new_and_what_was_sent_arrives_afterwards(proxy: Proxy) -> None:
    with connected(proxy) as old:
        with proxy.stalled():
            assert is_silent(old, b"late")
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE_S) as new:
                assert is_silent(new)
        assert old.recv(100) == b"late"
        assert said(old) == b"hello"


def test_a_connection_that_was_swallowed_stays_silent_and_a_new_one_works(proxy: Proxy) -> None:
    with connected(proxy) as old:
        proxy.swallow()
        proxy.resume()
        assert is_silent(old)
        connected(proxy).close()


def test_whoever_refuses_breaks_what_there_is_and_takes_nobody_until_it_resumes(proxy: Proxy) -> None:
    with connected(proxy) as old:
        with proxy.refusing():
            assert is_broken(old)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE_S)
        connected(proxy).close()


def test_a_cut_breaks_connections_and_takes_new_ones(proxy: Proxy) -> None:
    with connected(proxy) as old:
        proxy.cut()
        assert is_broken(old)
        connected(proxy).close()


def test_an_answer_is_cut_off_in_the_middle(proxy: Proxy) -> None:
    with connected(proxy) as old:
        proxy.cut_after(3)
        assert said(old) == b"hel"
        assert is_broken(old)
        connected(proxy).close()


def test_a_delay_is_added_to_each_round_trip(proxy: Proxy) -> None:
    with connected(proxy) as old:
        proxy.delay(0.1)
        assert 0.1 <= quickest(lambda: round_trip(old)) < 0.2
        proxy.resume()
        assert quickest(lambda: round_trip(old)) < 0.1


def test_a_url_leads_through_the_proxy(proxy: Proxy) -> None:
    assert proxy.through("redis://:secret@127.0.0.1:6379/0") == f"redis://:secret@127.0.0.1:{proxy.port}/0"
    assert proxy.through("postgresql+psycopg://me@db:5432/x") == f"postgresql+psycopg://me@127.0.0.1:{proxy.port}/x"


def test_a_server_that_is_gone_is_a_connection_that_breaks() -> None:
    echo = Echo()
    echo.close()
    # The proxy takes a connection before it knows that nobody is behind it: the break may come as early as that.
    with (
        Proxy(echo.port) as proxy,
        contextlib.suppress(ConnectionResetError),
        socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE_S) as client,
    ):
        assert is_broken(client)
