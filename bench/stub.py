"""A carrier that accepts every call at once and remembers when each request for one was there whole."""

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue

WAIT_S = 20


class Silence(Exception):
    """No call was asked for within twenty seconds."""


class Stub:
    """The times (`time.perf_counter`) at which calls were asked for."""

    def __init__(self, server: ThreadingHTTPServer, asked: "Queue[float]") -> None:
        self._asked = asked
        self.base = f"http://127.0.0.1:{server.server_address[1]}"

    def next(self) -> float:
        """When the next call was asked for. Raises Silence."""
        try:
            return self._asked.get(timeout=WAIT_S)
        except Empty:
            raise Silence("the carrier was asked for nothing: the logs of worker and web tell why") from None


@contextmanager
def stub() -> Iterator[Stub]:
    """One, listening while the block runs."""
    asked: Queue[float] = Queue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(asked))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Stub(server, asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(asked: "Queue[float]") -> type[BaseHTTPRequestHandler]:
    sids = (f"CA{number:032x}" for number in itertools.count(1))

    class Handler(BaseHTTPRequestHandler):
        """Answers a request for a call as the carrier does."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # headers and body leave together

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.endswith("/Calls.json"):
                asked.put(time.perf_counter())
            answer = json.dumps({"sid": next(sids), "status": "queued"}).encode()
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    return Handler
