"""The web's socket is held by whoever starts it, so that no connection is refused between two servers."""

import socket
from pathlib import Path

import pytest

from callback import serve
from callback.settings import Settings, load
from callback.supervise import SupervisorError
from tests.support.ports import free_port


def settings(port: int, folder: Path) -> Settings:
    return load({"PORT": str(port), "VAR_DIR": str(folder)})


def test_a_port_that_somebody_uses_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SupervisorError, match=f"port {port} cannot be used .*set PORT"):
            serve.listen(settings(port, tmp_path))


def test_a_held_socket_takes_connections_before_any_server_runs(tmp_path: Path) -> None:
    port = free_port()
    with serve.listen(settings(port, tmp_path)) as held, socket.create_connection(("127.0.0.1", port), timeout=30):
        assert held.getsockname() == ("127.0.0.1", port)


def test_the_server_takes_the_socket_that_is_held_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = settings(8123, tmp_path)
    assert "127.0.0.1:8123" in serve.server(known, "x:y")
    monkeypatch.setenv(serve.HELD_SOCKET, "7")
    assert "fd://7" in serve.server(known, "x:y")
