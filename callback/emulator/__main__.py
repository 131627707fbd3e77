"""The carrier as a program: ``python -m callback.emulator --port 8100 --number +15550100``.

It listens on the loopback interface only. With ``--people`` it is also populated: simulated callers and agents
live in the same process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from callback.emulator import account as accounts
from callback.emulator import people
from callback.emulator.account import Account, PhoneNumber
from callback.emulator.clock import SimClock
from callback.emulator.exchange import Exchange
from callback.emulator.faults import Rule
from callback.emulator.server import application

SAVE_EVERY_S = 2.0
_log = logging.getLogger("callback.emulator")


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m callback.emulator", description="A Twilio-compatible carrier.")
    add = parser.add_argument
    add("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    add("--socket", type=int, help="in place of a port: the number of a listening socket that whoever starts it holds")
    add("--port-file", type=Path, help="where to write the port once it listens")
    add("--account-sid", default="AC" + "0" * 31 + "1", help="account sid that the REST API accepts")
    add("--auth-token", default="emulated-token", help="its token, which also signs webhooks")
    add("--public-base-url", default="", help="the application's base, to which numbers point unless told otherwise")
    add("--api-key", action="append", default=[], help="SID:SECRET that signs tokens of browser clients (repeatable)")
    add("--number", action="append", default=[], help="a number of the account (repeatable)")
    add("--voice-url", default="", help="VoiceUrl of the numbers; default PUBLIC-BASE-URL/voice/incoming")
    add("--sms-url", default="", help="SmsUrl of the numbers; default PUBLIC-BASE-URL/sms/incoming")
    add("--speed", type=float, default=1.0, help="simulated seconds in a real second")
    add("--seed", type=int, default=1, help="which run of chance it is")
    add("--calls-per-second", type=float, default=None, help="pace of starting API calls; unlimited by default")
    add("--flags", default="", help="fault rules in force from the start: a JSON list, or @FILE")
    add("--state", type=Path, help="file in which the numbers' configuration survives a restart")
    add("--people", nargs="?", const="{}", default=None, help="simulate people; their settings as JSON or @FILE")
    add("--feed", type=Path, help="file to which the people's doings are appended, one JSON object a line")
    return parser.parse_args(given)


def _json(text: str) -> object:
    return json.loads(Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text)


def build(options: argparse.Namespace) -> Exchange:
    """The exchange that the options describe."""
    rng = random.Random(options.seed)
    clock = SimClock(options.speed)
    account = Account(options.account_sid, options.auth_token)
    if options.state is not None:
        account.load(options.state)
    for number in options.number:
        account.numbers.setdefault(number, _bought(number, options, clock.now(), rng))
    exchange = Exchange(
        account=account,
        clock=clock,
        rng=rng,
        calls_per_second=options.calls_per_second,
        base_url=f"http://127.0.0.1:{options.port}",
    )
    rules = _json(options.flags) if options.flags else []
    if not isinstance(rules, list):
        raise SystemExit("--flags must be a JSON list of rules")
    for rule in rules:
        exchange.faults.add(Rule.from_json(rule))
    return exchange


def _bought(number: str, options: argparse.Namespace, now: float, rng: random.Random) -> PhoneNumber:
    base = options.public_base_url.rstrip("/")
    return PhoneNumber(
        sid=accounts.sid("PN", rng),
        phone_number=number,
        voice_url=options.voice_url or (base and f"{base}/voice/incoming"),
        sms_url=options.sms_url or (base and f"{base}/sms/incoming"),
        created=now,
        updated=now,
    )


async def serve(options: argparse.Namespace) -> None:
    """Runs until SIGTERM or SIGINT."""
    exchange = build(options)
    keys = dict(key.split(":", maxsplit=1) for key in options.api_key)
    app = application(exchange, keys=keys, origin=options.public_base_url)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await _site(runner, options).start()
    port = runner.addresses[0][1]
    exchange.base_url = f"http://127.0.0.1:{port}"
    _announce(options, port)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    helpers = [asyncio.create_task(_keep(exchange.account, options.state))]
    if options.people is not None:
        helpers.append(people.start(exchange, _people(options)))
    await stop.wait()
    for helper in helpers:
        helper.cancel()
    await asyncio.gather(*helpers, return_exceptions=True)
    if options.state is not None:
        exchange.account.save(options.state)
    await runner.cleanup()


def _site(runner: web.AppRunner, options: argparse.Namespace) -> web.BaseSite:
    if options.socket is None:
        return web.TCPSite(runner, "127.0.0.1", options.port)
    return web.SockSite(runner, socket.socket(fileno=options.socket))


def _people(options: argparse.Namespace) -> people.PeopleConfig:
    """The people's settings; what they share with the carrier need not be said twice."""
    given = _json(options.people)
    if not isinstance(given, dict):
        raise SystemExit("--people must be a JSON object")
    shared = {"product_url": options.public_base_url, "queue_numbers": options.number, "seed": options.seed}
    if options.feed is None:
        return people.config_from({**shared, **given})
    feed = options.feed.open("a", encoding="utf-8")
    return people.config_from({**shared, **given}, people.json_lines(feed))


def _announce(options: argparse.Namespace, port: int) -> None:
    if options.port_file is not None:
        draft = options.port_file.with_suffix(".new")
        draft.write_text(str(port), encoding="utf-8")
        draft.replace(options.port_file)
    _log.info("the emulated carrier listens on http://127.0.0.1:%d", port)


async def _keep(account: Account, path: Path | None) -> None:
    """Saves the numbers' configuration whenever it has changed."""
    saved = 0.0
    while path is not None:
        newest = max((number.updated for number in account.numbers.values()), default=0.0)
        if newest > saved:
            account.save(path)
            saved = newest
        await asyncio.sleep(SAVE_EVERY_S)


def main() -> None:
    """The command's entry."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s %(levelname)s %(message)s")
    asyncio.run(serve(arguments(sys.argv[1:])))


if __name__ == "__main__":
    main()
