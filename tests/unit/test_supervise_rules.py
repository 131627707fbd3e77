"""What the supervisor decides and shows, without a process."""

import io
from pathlib import Path

import pytest

from callback.supervise import Backoff, Event, EventKind, Terminal, commands_from
from callback.supervise.logs import LineLog


def test_the_wait_before_a_restart_doubles_up_to_five_seconds() -> None:
    backoff = Backoff()
    assert [backoff.after(0.1) for _ in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_ten_healthy_seconds_forgive_earlier_deaths() -> None:
    backoff = Backoff()
    waits = [backoff.after(lived_s) for lived_s in (0, 0, 9.9, 10, 0)]
    assert waits == [0.2, 0.4, 0.8, 0.2, 0.4]


def test_a_procfile_line_runs_in_its_folder_with_our_programs_first(tmp_path: Path) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("# a comment\nrelease: callback migrate\nworker: celery -c ${N:-4}\n")
    commands = commands_from(procfile, {"PATH": "/bin", "SECRET_KEY": "x"})
    assert list(commands) == ["release", "worker"]
    worker = commands["worker"]
    assert worker.argv == ("/bin/sh", "-c", "exec celery -c ${N:-4}")
    assert worker.cwd == tmp_path
    assert worker.env is not None
    assert worker.env["PATH"].endswith(":/bin")
    assert worker.env["SECRET_KEY"] == "x"


def test_a_procfile_that_names_a_process_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: a\nweb: b\n")
    with pytest.raises(ValueError, match="twice"):
        commands_from(tmp_path / "Procfile", {})


def test_a_full_log_becomes_the_older_one(tmp_path: Path) -> None:
    log = LineLog(tmp_path / "web.log", limit=10)
    for line in ("first line", "second line", "third line"):
        log.write([line])
    assert (tmp_path / "web.log").read_text() == "third line\n"
    assert (tmp_path / "web.log.1").read_text() == "second line\n"


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    log = LineLog(tmp_path / "absent" / "web.log")
    log.write(["one", "two"])
    assert log.lost == 2


def shown(event: Event, *, verbose: bool = False) -> list[str]:
    stream = io.StringIO()
    Terminal(stream, verbose=verbose)(event)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize(
    "line",
    [
        "[2026-03-02 09:00:00,000: ERROR/MainProcess] task raised",
        '{"event": "dial.failed", "level": "error"}',
        "Traceback (most recent call last):",
        "[2026-03-02 09:00:00 +0000] [7] [CRITICAL] WORKER TIMEOUT",
    ],
)
def test_an_error_is_shown_even_when_quiet(line: str) -> None:
    assert shown(Event(EventKind.LINE, "web", line)) == [f"web     | {line}"]


def test_other_lines_are_shown_on_request_only() -> None:
    line = Event(EventKind.LINE, "web", "GET /healthz 200")
    assert shown(line) == []
    assert shown(line, verbose=True) == ["web     | GET /healthz 200"]


def test_a_death_is_shown_with_its_last_words_and_what_follows() -> None:
    death = Event(EventKind.EXITED, "worker", "one\ntwo", pid=7, code=-9, restart_in_s=0.4)
    assert shown(death) == [
        "worker  | one",
        "worker  | two",
        "worker  | ended by SIGKILL, starting again in 0.4 s",
    ]


def test_a_release_that_went_well_is_not_worth_a_line() -> None:
    assert shown(Event(EventKind.EXITED, "release", "done", pid=7, code=0)) == []


def test_each_name_keeps_its_colour() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream, verbose=True, colour=True)
    for name in ("web", "worker", "web"):
        terminal(Event(EventKind.LINE, name, "x"))
    first, second, third = stream.getvalue().splitlines()
    assert first == third != second


def test_a_terminal_that_went_away_stops_nothing() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    Terminal(Gone(), verbose=True)(Event(EventKind.LINE, "web", "x"))
