"""The shortest way to Redis and back, for the scripts that somebody on the phone is waiting for.

The client's own way asks at every command whether the connection is still alive: under green threads that question
costs as much as the script. Here a connection is simply used, and one that turns out to have broken while it was idle
is opened anew and asked once more: every verb of the line may be repeated. Connections come from the client's pool
and stay with us, so closing the client closes them.
"""

import os
from collections import deque
from collections.abc import Callable
from typing import Any

import redis

from callback.adapters.line.client import LineAway


class Lanes:
    """As many connections as there are commands under way at once. Safe for threads and green threads."""

    def __init__(self, client: redis.Redis) -> None:
        self._pool = client.connection_pool
        self._idle: deque[Any] = deque()
        self._pid = os.getpid()

    def ask(self, *command: str | float) -> Any:
        """The answer to one command. Raises redis.RedisError."""
        connection = self._take()
        try:
            try:
                connection.send_command(*command)
                return connection.read_response()
            except LineAway:
                raise
            except redis.ConnectionError:
                connection.disconnect()
                connection.send_command(*command)
                return connection.read_response()
        except (redis.ResponseError, LineAway):
            raise  # an answer like any other, or nothing was asked: nothing is left unread
        except BaseException:
            connection.disconnect()  # whatever stopped us (a time limit too), nobody may read an answer meant for us
            raise
        finally:
            self._idle.append(connection)

    def begin(self, *command: str | float) -> Callable[[], Any]:
        """Asks, and gives what waits for the answer, which must be called once: until then the connection is taken.
        Either raises redis.RedisError."""
        connection = self._take()
        try:
            connection.send_command(*command)
        except BaseException:
            connection.disconnect()
            self._idle.append(connection)
            raise

        def answer() -> Any:
            try:
                return connection.read_response()
            except redis.ResponseError:
                raise
            except BaseException:
                connection.disconnect()
                raise
            finally:
                self._idle.append(connection)

        return answer

    def _take(self) -> Any:
        if self._pid != os.getpid():  # a child of a fork must not speak on its parent's connections
            self._idle, self._pid = deque(), os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            return self._pool.get_connection()
