"""Telephones in the browser: whoever registers as ``client:NAME`` is rung there, and acts with requests.

The carrier's own browser library speaks to it over a signalling connection of its own making, with sound over WebRTC.
None of that is documented, and none of it is needed to see whether an application does right. So this is another, small
protocol with the same ideas; the sound is missing:

``GET /softphone/NAME/events?token=TOKEN``
    A stream of server-sent events, as long as which this browser is registered. ``registered``; ``incoming``
    ``{"sid", "from"}``; ``accepted``, ``cancel`` (nobody answered, or another device did) and ``disconnect``
    ``{"sid"}``; ``heard`` ``{"sid", "kind", "text"}``, what reaches the ear instead of sound.
``POST /softphone/NAME/calls/SID/{answer,decline,hangup,digits,mute}?token=TOKEN``
    ``digits`` takes ``{"digits"}`` and ``mute`` ``{"muted"}``. 204, or 404 for a call that is not this client's.

What it mimics: TOKEN is the access token that the application signs with an API key (a JWT, HS256, whose voice grant
allows incoming calls), and it is refused (401, the library's 20101) if it is another's, for another client, or too old.
Several devices of one client ring together and the first to answer has the call. A client that is not registered is
dialled, rings nowhere, and counts as no answer. A call goes on when its browser is gone for a moment: a device that
comes back within `BACK_WITHIN_S` is told of the call that it is in.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from aiohttp import web

from callback.emulator.leg import Heard, Leg

if TYPE_CHECKING:
    from callback.emulator.exchange import Exchange

PREFIX = "/softphone/"
BEAT_S = 10.0
BACK_WITHIN_S = 15.0
SOUNDS = ("say", "play", "music", "bridged", "unbridged", "gather", "beep")
Event = tuple[str, Mapping[str, Any]]


class Refused(Exception):
    """The token does not let its bearer in."""


class Client:
    """One ``client:NAME`` with all its devices: an endpoint of the exchange while any of them is registered."""

    def __init__(self, exchange: Exchange, name: str) -> None:
        self.address = f"client:{name}"
        self.calls: dict[str, Leg] = {}
        self._exchange = exchange
        self._devices: set[asyncio.Queue[Event | None]] = set()

    def join(self) -> asyncio.Queue[Event | None]:
        """Another device registers; it is told of calls that ring or are going on."""
        device: asyncio.Queue[Event | None] = asyncio.Queue()
        self._devices.add(device)
        self._exchange.register(self.address, self)
        device.put_nowait(("registered", {"identity": self.address}))
        for leg in self.calls.values():
            device.put_nowait(("incoming", _about(leg)))
            if leg.picked_up.is_set():
                device.put_nowait(("accepted", {"sid": leg.sid}))
        return device

    def part(self, device: asyncio.Queue[Event | None]) -> None:
        """A device is gone; with the last one the client, and after a while its calls."""
        self._devices.discard(device)
        if not self._devices:
            if self._exchange.endpoint(self.address) is self:
                self._exchange.unregister(self.address)
            for leg in self.calls.values():
                self._exchange.spawn(self._let_go(leg))

    def close(self) -> None:
        """Ends every stream."""
        for device in self._devices:
            device.put_nowait(None)

    async def ring(self, leg: Leg) -> None:
        """A call comes in: told to all devices, with all that is heard on it, until it is over."""
        self.calls[leg.sid] = leg
        self._tell("incoming", _about(leg))
        try:
            while not leg.ended.is_set():
                self._hear(leg, await leg.heard.get())
        finally:
            self.calls.pop(leg.sid, None)
            self._tell("disconnect" if leg.picked_up.is_set() else "cancel", {"sid": leg.sid})

    def text(self, body: str, from_: str) -> None:
        """Clients get no texts."""

    async def do(self, sid: str, act: str, given: Mapping[str, Any]) -> bool:
        """What a device does with a call; False for one that is not this client's."""
        leg = self.calls.get(sid)
        if leg is None:
            return False
        match act:
            case "answer":
                await leg.answer()
                self._tell("accepted", {"sid": sid})
            case "decline":
                await leg.decline("busy")
            case "hangup":
                await leg.hang_up()
            case "digits":
                await leg.press(str(given.get("digits", "")))
            case "mute":
                self._tell("mute", {"sid": sid, "muted": bool(given.get("muted"))})
            case _:
                return False
        return True

    def _hear(self, leg: Leg, heard: Heard) -> None:
        if heard.kind in SOUNDS:
            self._tell("heard", {"sid": leg.sid, "kind": heard.kind, "text": heard.text})

    def _tell(self, event: str, about: Mapping[str, Any]) -> None:
        for device in self._devices:
            device.put_nowait((event, about))

    async def _let_go(self, leg: Leg) -> None:
        await asyncio.sleep(BACK_WITHIN_S)
        if not self._devices:
            await leg.hang_up()


class Softphones:
    """All clients of the account. `keys`: the API keys of the account with their secrets; `origin`: of the pages that
    may use this ("" for none)."""

    def __init__(self, exchange: Exchange, keys: Mapping[str, str], origin: str) -> None:
        self._exchange, self._keys, self._origin = exchange, keys, origin.rstrip("/")
        self._clients: dict[str, Client] = {}

    def routes(self) -> list[web.RouteDef]:
        """The protocol's paths."""
        return [
            web.get("/softphone/{name}/events", self._events),
            web.post("/softphone/{name}/calls/{sid}/{act}", self._act),
            web.options("/softphone/{rest:.*}", self._preflight),
        ]

    async def close(self, _app: web.Application) -> None:
        """Lets all streams end."""
        for client in self._clients.values():
            client.close()

    async def _events(self, request: web.Request) -> web.StreamResponse:
        try:
            client = self._admitted(request)
        except Refused as refused:
            return self._answer(401, {"code": 20101, "message": str(refused)})
        stream = web.StreamResponse(headers=self._headers() | {"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        device = client.join()
        try:
            while True:
                try:
                    told = await asyncio.wait_for(device.get(), BEAT_S)
                except TimeoutError:
                    await stream.write(b": still here\n\n")
                    continue
                if told is None:
                    return stream
                await stream.write(f"event: {told[0]}\ndata: {json.dumps(told[1])}\n\n".encode())
        except ConnectionError:
            return stream
        finally:
            client.part(device)

    async def _act(self, request: web.Request) -> web.StreamResponse:
        try:
            client = self._admitted(request)
        except Refused as refused:
            return self._answer(401, {"code": 20101, "message": str(refused)})
        given = await request.json() if request.can_read_body else {}
        done = await client.do(request.match_info["sid"], request.match_info["act"], given)
        return self._answer(204 if done else 404)

    async def _preflight(self, _: web.Request) -> web.StreamResponse:
        return self._answer(204)

    def _admitted(self, request: web.Request) -> Client:
        name = request.match_info["name"]
        claims = checked(request.query.get("token", ""), self._keys, self._exchange.account.sid)
        grants = claims.get("grants", {})
        if grants.get("identity") != name:
            raise Refused("the token is another client's")
        if not grants.get("voice", {}).get("incoming", {}).get("allow"):
            raise Refused("the token does not allow incoming calls")
        return self._clients.setdefault(name, Client(self._exchange, name))

    def _answer(self, status: int, about: Mapping[str, Any] | None = None) -> web.Response:
        body = json.dumps(about) if about is not None else None
        return web.Response(status=status, text=body, content_type="application/json", headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {
            "Access-Control-Allow-Origin": self._origin or "null",
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Allow-Methods": "GET, POST",
            "Cache-Control": "no-store",
            "Vary": "Origin",
        }


def checked(token: str, keys: Mapping[str, str], account: str) -> dict[str, Any]:
    """The claims of an access token. Raises Refused for one that this account's keys did not sign, or that is over."""
    try:
        head, body, signature = token.split(".")
        claims: dict[str, Any] = json.loads(_decoded(body))
        kind = json.loads(_decoded(head))
    except ValueError:
        raise Refused("this is no access token") from None
    secret = keys.get(str(claims.get("iss")), "")
    expected = hmac.new(secret.encode(), f"{head}.{body}".encode(), sha256).digest()
    if not secret or kind.get("alg") != "HS256" or not hmac.compare_digest(expected, _decoded(signature)):
        raise Refused("the token was not signed with a key of this account")
    if claims.get("sub") != account or float(claims.get("exp", 0)) <= time.time():
        raise Refused("the token is another account's, or too old")
    return claims


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _about(leg: Leg) -> dict[str, str]:
    return {"sid": leg.sid, "from": leg.from_}
