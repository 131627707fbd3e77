"""A real server that is told to stop ends its open pages' streams, as a deploy needs it to."""

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from callback import serve, settings
from callback.adapters.store import migrate
from callback.adapters.store.sql_store import SqlStore
from callback.domain.ids import token_hash
from callback.ports import ApiToken
from tests.support.ports import free_port
from tests.support.tree import ROOT
from tests.support.waiting import eventually

SECRET, TOKEN = "a secret of thirty-two characters!", "cbk_for-the-wall"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gthread", "gevent"])
def test_streams_end_within_a_second_or_so_when_the_server_is_told_to_stop(
    kind: str, redis_url: str, tmp_path: Path
) -> None:
    url, port = f"sqlite:///{tmp_path / 'record.sqlite3'}", free_port()
    migrate.upgrade(url)
    store = SqlStore(url, SECRET)
    with store.begin() as work:
        work.put_token(ApiToken("wall", "viewer", token_hash(TOKEN)))
    store.close()
    env = {
        "DATABASE_URL": url, "REDIS_URL": redis_url, "PORT": str(port), "SECRET_KEY": SECRET,
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}", "VAR_DIR": str(tmp_path), "WEB_CONCURRENCY": "1",
    }  # fmt: skip
    argv = serve.server(settings.load(env), serve.APPLICATION)
    argv[argv.index("gthread")] = kind
    log = (tmp_path / "log").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-m", *argv], env={**env, "PATH": os.environ["PATH"]}, cwd=ROOT, stdout=log, stderr=log
    )
    try:
        eventually(lambda: b"web.ready" in (tmp_path / "log").read_bytes(), within_s=60)
        eventually(lambda: asked(port, "/healthz")[0] == 200)
        cookie = str(asked(port, f"/wall?token={TOKEN}")[1]).partition(";")[0]
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        line.request("GET", "/wall/live", headers={"Cookie": cookie, "Accept": "text/event-stream"})
        stream = line.getresponse()
        assert stream.status == 200
        assert stream.readline().startswith(b"retry:")
        told = time.monotonic()
        server.send_signal(signal.SIGTERM)
        stream.read()
        assert time.monotonic() - told < 5, "the server's patience is ten seconds: it was not used up"
        stream.close()
        line.close()
    finally:
        server.kill()
        server.wait()
        log.close()


def asked(port: int, path: str) -> tuple[int, str | None]:
    """The status of an answer, and the cookie it set."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        line.request("GET", path)
        answer = line.getresponse()
        answer.read()
        return answer.status, answer.getheader("Set-Cookie")
    except OSError:
        return 0, None
    finally:
        line.close()
