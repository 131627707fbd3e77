"""What every process says in its log: one JSON line an event, or plain words where a person looks on.

Whoever cannot write a line goes on without it: a full disk must not cost a caller their answer.
"""

import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog

INFO = 20


class Undemanding:
    """A stream for log lines whose failures are nobody's concern: what was to be said about a webhook must not cost the
    webhook its answer."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """As the stream, or not at all."""
        with suppress(OSError, ValueError):
            return self._stream.write(text)
        return 0

    def flush(self) -> None:
        """As the stream, or not at all."""
        with suppress(OSError, ValueError):
            self._stream.flush()


def as_json(stream: TextIO | None = None) -> None:
    """JSON lines, an event and its fields, on `stream` (standard output, as the process was given it)."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(INFO),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, Undemanding(stream or sys.__stdout__ or sys.stdout))),
        cache_logger_on_first_use=True,
    )


def beside() -> None:
    """On standard error, so that what a command prints stays what it prints. Traces are plain: those that show the
    values of variables as well would show callers' numbers."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(INFO),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, Undemanding(sys.stderr))),
    )
