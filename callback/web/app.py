"""The Flask application: the house comes in, and every door is hung in its place."""

from datetime import timedelta

from flask import Flask
from flask_wtf import CSRFProtect

from callback.ports import House
from callback.web import (
    account,
    agent,
    armour,
    condition,
    context,
    health,
    languages,
    live,
    log,
    navigation,
    pages,
    problems,
    sign_in,
    sms,
    static_files,
    status,
    voice,
    wall,
    welcome,
)
from callback.web import admin as console
from callback.web import api as programs
from callback.web.application import Application
from callback.web.options import WebOptions


def create_app(house: House, options: WebOptions) -> Flask:
    """An application that serves `house`. Nothing is connected to before the first request."""
    app = Application("callback.web", static_folder=None)
    app.extensions[context.HOUSE] = house
    app.extensions[context.OPTIONS] = options
    _configure(app, options)
    log.install(app)
    armour.install(app, options)
    problems.install(app)
    languages.install(app)
    pages.install(app)
    navigation.install(app)
    condition.install(app)
    csrf = CSRFProtect(app)
    sign_in.install(app)
    live.install(app)
    for door in (static_files, health, pages, condition, console, agent, wall, account, welcome):
        app.register_blueprint(door.blueprint())
    # The carrier signs, programs bring a token and callers their link: none of it is sent by a browser on its own.
    for door in (voice, sms, programs, status):
        blueprint = door.blueprint()
        csrf.exempt(blueprint)
        app.register_blueprint(blueprint)
    app.lane = voice.lane(house, options)
    return app


def _configure(app: Flask, options: WebOptions) -> None:
    app.secret_key = options.secret_key
    app.config.update(
        SESSION_COOKIE_NAME="__Host-callback" if options.https else "callback",
        SESSION_COOKIE_SECURE=options.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=options.session_s),
        SESSION_REFRESH_EACH_REQUEST=False,  # a refresh on its way would put back what was signed out or chosen since
        WTF_CSRF_TIME_LIMIT=None,  # a form lives as long as its session
        WTF_CSRF_SSL_STRICT=False,  # behind a proxy it compares the wrong scheme; SameSite stands instead
        WTF_CSRF_CHECK_DEFAULT=True,
        JSON_SORT_KEYS=False,
        TEMPLATES_AUTO_RELOAD=False,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
