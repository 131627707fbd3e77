"""Simulated people on an emulated carrier, for whoever tries the product on one machine: nobody real is called.

They are asked for through the emulator's control API, which a real carrier does not have. They go by what they hear, as
a person would: English or Chinese, the key for a callback, for "correct", and for talking.
"""

import json
import secrets
import urllib.error
import urllib.request
from typing import Any

TIMEOUT_S = 3.0
ANSWERS = [{"match": "press 1|请按 ?1", "press": "1", "times": 3}]
"""Whoever is rung presses the key that they are told of."""
TALK_S = 20
PATIENCE_S = 600


class Pretended:
    """People at the emulated carrier of this address."""

    def __init__(self, at: str) -> None:
        self._at = at

    def agent(self, contact: str) -> bool:
        """Somebody answers at this address from now on. False: the emulated carrier does not answer."""
        behaviour = {"after_s": 3, "on_say": ANSWERS, "talk_s": TALK_S}
        return self._do("endpoints", {"address": contact, "behaviour": behaviour})

    def caller(self, to: str) -> bool:
        """Somebody rings, takes a callback when one is offered, hangs up, and answers when called back."""
        number = f"+1212555{secrets.randbelow(8000) + 1000}"
        back = {"after_s": 4, "on_say": ANSWERS, "talk_s": TALK_S}
        rings = {"on_say": ANSWERS, "hang_up_on_say": "goodbye|再见", "patience_s": PATIENCE_S, "talk_s": TALK_S}
        answered = self._do("endpoints", {"address": number, "behaviour": back})
        return answered and self._do("call_in", {"from": number, "to": to, "behaviour": rings})

    def _do(self, what: str, body: dict[str, Any]) -> bool:
        request = urllib.request.Request(  # noqa: S310 -- an emulated carrier on this machine, named by the environment
            f"{self._at}/_emulator/{what}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310 -- as above
                return True
        except (urllib.error.URLError, OSError):
            return False
