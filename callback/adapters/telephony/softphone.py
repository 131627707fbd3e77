"""Access tokens for telephones in the browser: what the carrier's library registers an agent's client with.

A JWT that an API key signs (HS256), good for one identity and for incoming calls alone: nobody can dial out with it.
Its shape is the carrier's (`cty` twilio-fpa;v=1, voice grant); it is made here so that its times come from our clock.
"""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

GOOD_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class ApiKey:
    """A key of the account: it signs tokens, and the account's own secret never leaves the server."""

    account: str
    sid: str
    secret: str = field(repr=False)


def access_token(key: ApiKey, identity: str, now: datetime) -> str:
    """A token for `client:IDENTITY`, from `now` (aware) for `GOOD_FOR`."""
    began = int(now.timestamp())
    grants = {"identity": identity, "voice": {"incoming": {"allow": True}}}
    claims = {
        "jti": f"{key.sid}-{began}-{secrets.token_hex(4)}",
        "iss": key.sid,
        "sub": key.account,
        "nbf": began,
        "exp": began + int(GOOD_FOR.total_seconds()),
        "grants": grants,
    }
    signed = f"{_part({'typ': 'JWT', 'alg': 'HS256', 'cty': 'twilio-fpa;v=1'})}.{_part(claims)}"
    return f"{signed}.{_coded(hmac.new(key.secret.encode(), signed.encode(), hashlib.sha256).digest())}"


def _part(value: dict[str, Any]) -> str:
    return _coded(json.dumps(value, separators=(",", ":")).encode())


def _coded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
