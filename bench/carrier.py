"""What the carrier sends, prepared beforehand: signed webhooks of callers who never rang before, as raw HTTP."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterator
from urllib.parse import urlencode

from bench.stage import ACCOUNT, CARRIER_TOKEN, NUMBER, SUPPORT

INCOMING = "/voice/incoming"
LAG = 64
"""A caller's second webhook comes this many arrivals after the first, so that the first has been answered."""


class Caller:
    """One call that comes in."""

    def __init__(self, number: int, base: str) -> None:
        self.call = "CA" + secrets.token_hex(16)
        self._base = base
        self._number = f"+1201{2_000_000 + number * 7919 % 7_999_000:07}"

    def incoming(self) -> bytes:
        """The call arrives."""
        return self._request(INCOMING)

    def wait(self, now_us: int) -> bytes:
        """The wait document, whose address was handed out in answer to the first webhook."""
        place = {"q": SUPPORT, "e": self.call, "j": now_us, "s": now_us, "l": "en", "x": secrets.token_urlsafe(9)}
        more = {"QueuePosition": "7", "QueueSid": "QU" + "1" * 32, "QueueTime": "0", "AvgQueueTime": "90",
                "CurrentQueueSize": "7", "MaxQueueSize": "1000"}  # fmt: skip
        return self._request(f"/voice/wait?{urlencode(place)}", **more)

    def _request(self, path: str, **more: str) -> bytes:
        form = {
            "CallSid": self.call,
            "AccountSid": ACCOUNT,
            "From": self._number,
            "Caller": self._number,
            "To": NUMBER,
            "Called": NUMBER,
            "CallStatus": "in-progress" if more else "ringing",
            "Direction": "inbound",
            "ApiVersion": "2010-04-01",
            **more,
        }
        body = urlencode(form)
        return (
            f"POST {path} HTTP/1.1\r\nHost: {self._base.removeprefix('http://')}\r\n"
            "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
            "User-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n"
            f"X-Twilio-Signature: {signature(self._base + path, form)}\r\n"
            f"I-Twilio-Idempotency-Token: {secrets.token_hex(18)}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


def signature(url: str, form: dict[str, str]) -> str:
    """The carrier's published scheme: Base64 of HMAC-SHA1 over the URL and the sorted form."""
    text = url + "".join(name + value for name, value in sorted(form.items()))
    return base64.b64encode(hmac.digest(CARRIER_TOKEN.encode(), text.encode(), hashlib.sha1)).decode()


def arrivals(base: str, count: int) -> Iterator[bytes]:
    """The first webhook of `count` calls."""
    return (Caller(number, base).incoming() for number in range(count))


def arrivals_on_hold(base: str, count: int, now_us: int) -> Iterator[bytes]:
    """Both webhooks of `count` calls: each one's wait document `LAG` arrivals after it came."""
    holding: list[Caller] = []
    for number in range(count):
        caller = Caller(number, base)
        holding.append(caller)
        yield caller.incoming()
        if len(holding) > LAG:
            yield holding.pop(0).wait(now_us)
