"""Starting what people start: the web alone (`callback web`), or everything on one machine (`callback run`)."""

import os
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
import structlog

from callback.embedded import EmbeddedRedis
from callback.settings import Settings, load
from callback.supervise import Command, Supervisor, SupervisorError, Terminal, commands_from

if TYPE_CHECKING:
    from flask import Flask

    from callback import demo
    from callback.web.options import DeskOptions

ROOT = Path(__file__).resolve().parent.parent
APPLICATION = "callback.serve:application()"
WEB_WORKERS = 2
THREADS = 16
"""With SQLite: green threads that yield inside a transaction would stop a whole process, so real ones serve there."""
GREEN_THREADS = 1000
HELD_SOCKET = "CALLBACK_WEB_SOCKET"
"""The number of a listening socket that whoever starts the web holds for it (`callback run` does): while one server
stops and the next one starts, connections wait in it, and no call loses a step."""
BACKLOG = 2048
PATIENCE = ("--timeout", "30", "--graceful-timeout", "10", "--keep-alive", "75")
"""Seconds. On a new connection, too, the server waits for a request only as long as it keeps an old one alive (2 unless
told), and then ends it without a word: a carrier that was busy between connecting and asking would see a call fail."""


def application() -> "Flask":
    """What gunicorn serves, made in each of its workers."""
    from callback import logs, wiring  # here and below: whoever only starts the web needs none of it
    from callback.web.app import create_app
    from callback.web.options import WebOptions

    logs.as_json()
    settings = load(os.environ)
    built = wiring.build(settings, web=True)
    token = settings.twilio_auth_token.get_secret_value() if settings.twilio_auth_token else ""
    options = WebOptions(
        secret_key=settings.secret_key.get_secret_value(),
        public_base_url=settings.public_base_url,
        production=settings.production,
        limits_url=settings.redis_url or "memory://",
        limits_options={"connection_pool": built.redis.connection_pool},
        carrier_account=settings.twilio_account_sid or "",
        carrier_token=token,
        simulated=settings.twilio_api_base_url is not None,
        desk=desk_options(settings),
    )
    app = create_app(built.house, options)
    structlog.get_logger("callback.web").info("web.ready", pid=os.getpid())  # from now on the old one may be stopped
    return app


def desk_options(settings: Settings) -> "DeskOptions":
    """What the agents' desks are given. Telephones in the page are the carrier's, unless an emulated one on this
    machine stands in for it."""
    from callback.adapters.telephony.softphone import ApiKey
    from callback.domain.desk import USUAL_CODES, codes
    from callback.web.options import DeskOptions

    key, secret = settings.twilio_api_key_sid, settings.twilio_api_key_secret
    known = ApiKey(settings.twilio_account_sid or "", key, secret.get_secret_value()) if key and secret else None
    return DeskOptions(
        codes=codes(settings.wrap_up_codes or USUAL_CODES),
        crm_url=settings.crm_url or "",
        key=known,
        stand_in=settings.emulated_carrier or "",
    )


def web(settings: Settings) -> NoReturn:
    """Become gunicorn."""
    os.execv(sys.executable, [sys.executable, "-m", *server(settings, APPLICATION)])


def server(settings: Settings, application: str) -> list[str]:
    """The module that serves, with its arguments. Green threads on PostgreSQL, real ones on SQLite; loopback only
    outside production."""
    held = os.environ.get(HELD_SOCKET)
    host, port = address(settings)
    kind = (
        ["gthread", "--threads", str(THREADS)]
        if settings.sqlite
        else ["gevent", "--worker-connections", str(GREEN_THREADS)]
    )
    return [
        "gunicorn",
        application,
        "--bind", f"fd://{held}" if held else f"{host}:{port}",
        "--workers", os.environ.get("WEB_CONCURRENCY", str(WEB_WORKERS)),
        "--worker-class", *kind,
        *PATIENCE,
        "--max-requests", "0",
        "--log-level", "warning",
        "--no-control-socket",
    ]  # fmt: skip


def address(settings: Settings) -> tuple[str, int]:
    """Where the web listens: loopback only, outside production."""
    return "0.0.0.0" if settings.production else "127.0.0.1", settings.port  # noqa: S104 -- a router must reach it


def listen(settings: Settings) -> socket.socket:
    """The web's socket, to be held for it. Raises SupervisorError where the port is taken."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address(settings))
    except OSError as taken:
        listening.close()
        advice = "end what uses it, or set PORT to another one"
        raise SupervisorError(f"port {settings.port} cannot be used ({taken.strerror}): {advice}") from None
    listening.listen(BACKLOG)
    return listening


def run(settings: Settings, environ: Mapping[str, str] | None = None) -> None:
    """Everything on one machine until Ctrl-C: the Procfile, an embedded Redis where none is named, and, without a
    carrier account, the emulator with its people. Raises EmbeddedRedisError, SupervisorError.
    """
    env = dict(os.environ if environ is None else environ)
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    env["VAR_DIR"] = str(settings.var_dir)
    env["SECRET_KEY"] = settings.secret_key.get_secret_value()
    commands: dict[str, Command] = {}
    if settings.redis_url is None:
        redis = EmbeddedRedis(settings.var_dir / "redis")
        env["REDIS_URL"] = redis.prepare()
        commands["redis"] = Command(redis.argv, env=env, cwd=ROOT, early=True, ready=redis.answers)
    show = None
    with ExitStack() as sockets:
        if settings.simulated:
            from callback import demo

            carrier = sockets.enter_context(socket.create_server(("127.0.0.1", 0)))
            show = demo.Show(settings, carrier)
            env |= show.environment()
            commands["carrier"] = Command(show.carrier_argv(), env=env, cwd=ROOT, holds=(carrier.fileno(),))
        held = sockets.enter_context(listen(settings))
        env[HELD_SOCKET] = str(held.fileno())
        commands = {**commands, **commands_from(ROOT / "Procfile", env)}
        commands["web"] = replace(commands["web"], holds=(held.fileno(),))
        terminal = Terminal(sys.stdout)
        supervisor = Supervisor(commands, settings.var_dir / "log", terminal)
        greet(settings, show)
        with show.narrated() if show is not None else nullcontext():
            supervisor.run()


def greet(settings: Settings, show: "demo.Show | None") -> None:
    """Where everything is, first of all."""
    base = settings.public_base_url
    click.echo(f"""
  console        {base}/admin
  wallboard      {base}/wall
  agent's desk   {base}/agent
  API            {base}/api/v1/openapi.json
  logs           {settings.var_dir / "log"}""")
    if show is not None:
        click.echo(show.sign_ins())
    click.echo("  Ctrl-C stops everything\n")
