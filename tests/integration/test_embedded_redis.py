"""The embedded Redis-compatible server: found again, never twice on one folder, its password for its owner alone."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from callback.embedded import EmbeddedRedis, EmbeddedRedisError, live_url, server_path
from tests.support.waiting import eventually


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "var" / "redis"


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(folder) as server:
        yield server


def test_what_was_written_is_there_after_a_restart_at_the_same_address(folder: Path) -> None:
    with EmbeddedRedis(folder) as server, redis.Redis.from_url(server.url) as client:
        client.set("kept", "yes")
        before = server.url
    with EmbeddedRedis(folder) as server, redis.Redis.from_url(server.url) as client:
        assert server.url == before
        assert client.get("kept") == b"yes"


def test_nobody_without_the_password_is_served(server: EmbeddedRedis) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0)) as stranger:
        stranger.sendall(b"PING\r\n")
        assert stranger.recv(100).startswith(b"-NOAUTH")


def test_only_the_owner_can_read_the_password(server: EmbeddedRedis, folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("address", "valkey.conf"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_it_listens_on_loopback_only(server: EmbeddedRedis) -> None:
    with redis.Redis.from_url(server.url) as client:
        assert client.config_get("bind")["bind"] == "127.0.0.1"


def test_every_write_is_logged(server: EmbeddedRedis) -> None:
    with redis.Redis.from_url(server.url) as client:
        assert client.config_get("appendonly", "appendfsync") == {"appendonly": "yes", "appendfsync": "everysec"}


def test_a_second_start_uses_the_live_server_and_leaves_it_alone(server: EmbeddedRedis, folder: Path) -> None:
    second = EmbeddedRedis(folder)
    assert not second.start()
    assert second.url == server.url
    second.stop()
    assert server.answers()


def test_a_second_command_on_the_folder_refuses_clearly(server: EmbeddedRedis) -> None:
    refused = subprocess.run(server.argv, capture_output=True, text=True, check=False, timeout=60)
    assert refused.returncode == 1
    assert "already runs on" in refused.stderr
    assert server.answers()


def test_the_live_address_is_found_by_the_folder_alone(server: EmbeddedRedis, folder: Path) -> None:
    assert live_url(folder) == server.url
    server.stop()
    assert live_url(folder) is None


def test_a_folder_nobody_used_has_no_address(folder: Path) -> None:
    assert live_url(folder) is None
    with pytest.raises(EmbeddedRedisError):
        _ = EmbeddedRedis(folder).url


def test_what_a_killed_server_left_behind_stops_nobody(folder: Path) -> None:
    command = subprocess.Popen(EmbeddedRedis(folder).argv, stdout=subprocess.DEVNULL)
    eventually(lambda: live_url(folder), what="the server answers")
    os.kill(command.pid, signal.SIGKILL)
    command.wait()
    assert live_url(folder) is None
    with EmbeddedRedis(folder) as server:
        assert server.answers()


def test_a_port_that_somebody_took_meanwhile_is_given_up(folder: Path) -> None:
    with EmbeddedRedis(folder) as server:
        before = urlsplit(server.url)
    with socket.socket() as somebody:
        with contextlib.suppress(OSError):  # somebody else was quicker, which is the same
            somebody.bind(("127.0.0.1", before.port or 0))
        assert live_url(folder) is None
        with EmbeddedRedis(folder) as server:
            after = urlsplit(server.url)
            assert after.port != before.port
            assert after.password == before.password


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedRedisError, match="cannot be created"):
        EmbeddedRedis(tmp_path / "file" / "redis").start()


def test_the_server_comes_from_the_installed_package() -> None:
    assert server_path().name == "valkey-server"
    assert os.access(server_path(), os.X_OK)
