"""How the carrier proves that a request is from it.

Base64 of HMAC-SHA1 keyed by the account's token over the exact URL followed by each form parameter, sorted by name, as
name and value. Written from the description alone and checked against the carrier's SDK in the contract tests.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping


def sign(token: str, url: str, form: Mapping[str, str]) -> str:
    """The ``X-Twilio-Signature`` of a form POST to ``url`` (of a GET when ``form`` is empty)."""
    message = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), message.encode(), hashlib.sha1).digest()).decode()
