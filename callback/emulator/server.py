"""The carrier's HTTP side: one application that serves the REST API, the control API and telephones in browsers.

Every REST request passes the same gate: it is written to the ledger, a fault rule may strike before or after it is
carried out, and the caller must be the account.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from callback.emulator import control, rest_account, rest_calls
from callback.emulator.errors import (
    AUTHENTICATE,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    TOO_MANY_REQUESTS,
    CarrierError,
    error_body,
)
from callback.emulator.exchange import Exchange
from callback.emulator.faults import Rule
from callback.emulator.messages import Messaging
from callback.emulator.rest import CARRIER, FORM, Carrier
from callback.emulator.softphone import PREFIX as SOFTPHONES
from callback.emulator.softphone import Softphones

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PREFIX = "/2010-04-01/Accounts/{account}"
LARGEST_BODY = 1024 * 1024


def application(exchange: Exchange, *, keys: Mapping[str, str] | None = None, origin: str = "") -> web.Application:
    """The web application over an exchange; stopping it closes the exchange. `keys` and `origin` as in `Softphones`."""
    app = web.Application(middlewares=[_Gate(exchange).pass_through], client_max_size=LARGEST_BODY)
    app[CARRIER] = Carrier(exchange, Messaging(exchange))
    app.add_routes(rest_calls.routes(PREFIX))
    app.add_routes(rest_account.routes(PREFIX))
    app.add_routes(control.routes())
    softphones = Softphones(exchange, keys or {}, origin)
    app.add_routes(softphones.routes())

    async def close(_app: web.Application) -> None:
        await exchange.close()

    app.on_shutdown.append(softphones.close)
    app.on_shutdown.append(close)
    return app


class _Gate:
    """What happens to each REST request before and after its handler."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._inside = 0

    @property
    def pass_through(self) -> Any:
        """The middleware."""

        @web.middleware
        async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith("/_emulator"):
                return await control.answer(request, handler)
            if request.path.startswith(SOFTPHONES):
                return await handler(request)
            return await self._serve(request, handler)

        return gate

    async def _serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        posted = await request.post()
        request[FORM] = {name: str(value) for name, value in posted.items()}
        rule = self._exchange.faults.for_rest(request.method, request.path_qs, request[FORM] or dict(request.query))
        entry = self._exchange.ledger.write(
            "rest", method=request.method, path=request.path_qs, form=request[FORM], fault=rule.id if rule else None
        )
        response: web.StreamResponse | None = None
        if rule is not None and rule.when == "before":
            response = await self._strike(request, rule)
        if response is None:
            response = await self._handle(request, handler)
            if rule is not None and rule.when == "after":
                response = await self._strike(request, rule) or response
        body = response.text if isinstance(response, web.Response) else ""
        entry["answer"] = {"status": response.status, "body": body}
        self._exchange.ledger.write("rest-answer", to=entry["seq"], status=response.status, sid=_sid(body))
        return response

    async def _strike(self, request: web.Request, rule: Rule) -> web.Response | None:
        await asyncio.sleep(rule.hang_s)
        if rule.disconnect:
            if request.transport is not None:
                request.transport.close()
            return web.Response(status=500)
        if rule.status is None:
            return None
        if rule.body is not None:
            return web.Response(status=rule.status, text=rule.body, content_type="application/json")
        code = rule.code or (TOO_MANY_REQUESTS if rule.status == 429 else 20500)
        message = "Too Many Requests" if rule.status == 429 else "An internal server error has occurred"
        return web.json_response(error_body(code, message, rule.status), status=rule.status)

    async def _handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._inside += 1
        try:
            self._admit(request)
            return await handler(request)
        except CarrierError as error:
            return web.json_response(error.to_json(), status=error.status)
        except web.HTTPNotFound:
            return _refusal(CarrierError(NOT_FOUND, request.path))
        except web.HTTPMethodNotAllowed:
            return _refusal(CarrierError(METHOD_NOT_ALLOWED, request.method))
        finally:
            self._inside -= 1

    def _admit(self, request: web.Request) -> None:
        account = self._exchange.account
        expected = "Basic " + base64.b64encode(f"{account.sid}:{account.auth_token}".encode()).decode()
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected.encode()):
            raise CarrierError(AUTHENTICATE)
        if account.suspended:
            raise CarrierError(20005)
        if request.match_info.get("account", account.sid) != account.sid:
            raise CarrierError(NOT_FOUND, request.path)
        if account.concurrency is not None and self._inside > account.concurrency:
            raise CarrierError(TOO_MANY_REQUESTS)


def _refusal(error: CarrierError) -> web.Response:
    return web.json_response(error.to_json(), status=error.status)


def _sid(body: str | None) -> str | None:
    try:
        sid = json.loads(body or "")
    except ValueError:
        return None
    return sid.get("sid") if isinstance(sid, dict) else None
