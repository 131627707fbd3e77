"""The load of the benchmarks: requests as the carrier would send them, and what is read from the load generator."""

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from bench import carrier, wrk
from bench.arrival import Round, Turn, figures
from bench.dial import Round as Dials
from bench.dial import figures as dial_figures
from bench.stage import ACCOUNT, CARRIER_TOKEN
from callback.adapters.telephony.signature import SignatureCheck

BASE = "http://127.0.0.1:8000"


def parts(request: bytes) -> tuple[str, dict[str, str], list[tuple[str, str]]]:
    """Path, headers and form of a raw request."""
    head, _, body = request.decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert int(headers["Content-Length"]) == len(body)
    return first.split(" ")[1], headers, parse_qsl(body)


def test_every_webhook_is_signed_as_the_carrier_signs() -> None:
    check = SignatureCheck(CARRIER_TOKEN)
    for request in carrier.arrivals_on_hold(BASE, carrier.LAG + 5, 1_700_000_000_000_000):
        path, headers, form = parts(request)
        assert check.valid(BASE + path, form, headers["X-Twilio-Signature"])
        assert dict(form)["AccountSid"] == ACCOUNT


def test_nobody_rings_twice() -> None:
    calls = [dict(parts(request)[2])["CallSid"] for request in carrier.arrivals(BASE, 50)]
    assert len(set(calls)) == 50


def test_a_caller_holds_only_after_they_arrived() -> None:
    seen: dict[str, int] = {}
    for number, request in enumerate(carrier.arrivals_on_hold(BASE, carrier.LAG + 10, 1)):
        path, _, form = parts(request)
        call = dict(form)["CallSid"]
        if urlsplit(path).path == carrier.INCOMING:
            seen[call] = number
        else:
            assert number - seen[call] >= carrier.LAG
    assert len(seen) == carrier.LAG + 10


def test_the_files_of_requests_say_how_long_each_is(tmp_path: Path) -> None:
    assert wrk.write(tmp_path / "requests", [b"one\n", b"three"]) == 2
    assert (tmp_path / "requests").read_bytes() == b"4\none\n5\nthree"


def test_what_the_load_generator_measured_is_read_from_its_last_line() -> None:
    load = wrk.read("Running 2s test\nRESULT 4000 2000000 0 3500 9000\n")
    assert load == wrk.Load(4000, 2.0, 0, 3.5, 9.0)
    assert load.per_s == 2000
    assert wrk.read("Running 2s test\n") is None


def turn(per_s: int, p99_ms: float, processor_ms: float) -> Turn:
    return Turn(wrk.Load(per_s, 1.0, 0, 1.0, p99_ms), processor_ms)


def test_an_arrival_on_hold_counts_both_of_its_webhooks() -> None:
    rounds = [Round(bare=turn(1000, 10, 0.5), line=turn(500, 20, 1), hold=turn(400, 25, 1.5))]
    found = {figure.what: figure for figure in figures("arrival", rounds)}
    assert (found["in line"].ratio, found["in line"].met) == (0.5, True)
    assert found["in line, p99"].ratio == 2
    assert found["in line and on hold"].ours == 200
    assert found["in line and on hold, processor time"].ratio == 6


def test_the_tail_of_the_dials_is_taken_over_all_rounds() -> None:
    rounds = [Dials(ours=[0.01] * 50, bare=[0.01] * 50), Dials(ours=[0.01] * 40 + [0.04] * 10, bare=[0.01] * 50)]
    median, tail = dial_figures("dial", rounds)
    assert median.ratio == 1
    assert tail.ratio == pytest.approx(4)
