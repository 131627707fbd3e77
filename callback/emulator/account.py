"""What the account owns and what the telephone network says about a number.

Numbers of the account carry the webhook configuration. Everything else about who can be called is a verdict: derived
from the address alone (its shape, its country) or set by a test for one address.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

# Calling codes are enough here: which country a permission is about, as far as tests need it.
_CALLING_CODES = (
    "1",
    "7",
    "20",
    "27",
    "30",
    "31",
    "33",
    "34",
    "39",
    "44",
    "49",
    "52",
    "55",
    "61",
    "81",
    "82",
    "86",
    "91",
)


def sid(prefix: str, rng: random.Random) -> str:
    """A resource id: the two letters and 32 hex digits."""
    return f"{prefix}{rng.getrandbits(128):032x}"


def calling_code(number: str) -> str:
    """The country part of an E.164 number, by longest known prefix."""
    digits = number.removeprefix("+")
    known = [code for code in _CALLING_CODES if digits.startswith(code)]
    return max(known, key=len, default=digits[:3])


@dataclass
class PhoneNumber:
    """A number of the account and where its events are sent."""

    sid: str
    phone_number: str
    friendly_name: str = ""
    voice_url: str = ""
    voice_method: str = "POST"
    voice_fallback_url: str = ""
    voice_fallback_method: str = "POST"
    status_callback: str = ""
    status_callback_method: str = "POST"
    sms_url: str = ""
    sms_method: str = "POST"
    sms_fallback_url: str = ""
    sms_fallback_method: str = "POST"
    voice_caller_id_lookup: bool = False
    created: float = 0.0
    updated: float = 0.0


@dataclass
class Verdict:
    """What the network does with one address.

    Args:
        call_error: REST error with which a call to it is refused; None to try it.
        unallocated: the call is set up and fails.
        sms: ``delivered``, or ``undelivered:CODE`` or ``failed:CODE``.
        sms_error: REST error with which a text to it is refused.
    """

    call_error: int | None = None
    unallocated: bool = False
    sms: str = "delivered"
    sms_error: int | None = None


@dataclass
class Account:
    """The account: its credentials, numbers, permissions and what it has been told about others."""

    sid: str
    auth_token: str
    numbers: dict[str, PhoneNumber] = field(default_factory=dict)
    verified_callers: set[str] = field(default_factory=set)
    countries: set[str] | None = None
    suspended: bool = False
    concurrency: int | None = None
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    opted_out: set[tuple[str, str]] = field(default_factory=set)

    def verdict(self, address: str) -> Verdict:
        """What is known about an address; the ordinary verdict when nothing is."""
        return self.verdicts.get(address, Verdict())

    def may_call_from(self, caller: str) -> bool:
        """Whether the account may show this caller id."""
        return caller in self.numbers or caller in self.verified_callers

    def refusal(self, to: str) -> int | None:
        """The error number with which a call to ``to`` is refused, or None."""
        known = self.verdict(to).call_error
        if known is not None:
            return known
        if re.fullmatch(r"client:[^\s]{1,121}", to) or re.fullmatch(r"sips?:[^@\s]+@[^\s]+", to):
            return None
        if re.fullmatch(r"\+[1-9]\d{6,14}", to) is None:
            return 21211
        if calling_code(to) == "1" and re.fullmatch(r"\+1[2-9]\d{2}[2-9]\d{6}", to) is None:
            return 21217
        if self.countries is not None and calling_code(to) not in self.countries:
            return 21215
        return None

    def forget(self) -> None:
        """Back to a fresh account with the same numbers."""
        self.verified_callers.clear()
        self.countries = self.concurrency = None
        self.suspended = False
        self.verdicts.clear()
        self.opted_out.clear()

    def save(self, path: Path) -> None:
        """Writes the numbers' configuration, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(path.suffix + ".new")
        draft.write_text(json.dumps({"numbers": [asdict(number) for number in self.numbers.values()]}, indent=1))
        draft.replace(path)

    def load(self, path: Path) -> None:
        """Takes over the configuration that :meth:`save` wrote, for numbers it names; no file is no error."""
        if not path.exists():
            return
        for item in json.loads(path.read_text())["numbers"]:
            number = PhoneNumber(**item)
            self.numbers[number.phone_number] = number
