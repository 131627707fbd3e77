"""Telephone numbers: whom we may ring, whom we can text, and how a number is read aloud or shown but not given away.

A number comes from a caller id, from keys pressed, or from a page, and each is a claim. Ringing the wrong sort of
number costs money or wakes strangers, so what is not plainly an ordinary number of an allowed country is refused, at
acceptance and again at dialling. The numbering plans are libphonenumber's; a number counts as one when it is possible
and valid there.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType, shortnumberinfo
from phonenumbers.timezone import time_zones_for_number

from callback.domain.errors import InvalidInput, NumberRefused


class Refusal(StrEnum):
    """Why a number is not rung."""

    INVALID = "invalid"
    SHORT = "short"  # emergency and service numbers
    COUNTRY = "country"
    PREMIUM = "premium"
    SHARED_COST = "shared_cost"
    SATELLITE = "satellite"
    UNIVERSAL = "universal"  # UAN: one company number anywhere, at any price
    PERSONAL = "personal"  # follow-me numbers at the price of a premium call, as in the UK's 070
    NO_COUNTRY = "no_country"  # networks of no country: nobody can allow them by country
    PAGER = "pager"
    VOICEMAIL = "voicemail"


_SAID: dict[Refusal, str] = {
    Refusal.INVALID: "this is not a telephone number that exists",
    Refusal.SHORT: "emergency and service numbers are never called back",
    Refusal.COUNTRY: "numbers of this country are not called back",
    Refusal.PREMIUM: "premium rate numbers are never called back",
    Refusal.SHARED_COST: "shared cost numbers are never called back",
    Refusal.SATELLITE: "satellite telephones are never called back",
    Refusal.UNIVERSAL: "universal access numbers are never called back",
    Refusal.PERSONAL: "personal redirection numbers are never called back",
    Refusal.NO_COUNTRY: "numbers that belong to no country are never called back",
    Refusal.PAGER: "pagers cannot be called back",
    Refusal.VOICEMAIL: "a voicemail access number cannot be called back",
}

_REFUSED_TYPES: dict[int, Refusal] = {
    PhoneNumberType.PREMIUM_RATE: Refusal.PREMIUM,
    PhoneNumberType.SHARED_COST: Refusal.SHARED_COST,
    PhoneNumberType.UAN: Refusal.UNIVERSAL,
    PhoneNumberType.PERSONAL_NUMBER: Refusal.PERSONAL,
    PhoneNumberType.PAGER: Refusal.PAGER,
    PhoneNumberType.VOICEMAIL: Refusal.VOICEMAIL,
}
_NORTH_AMERICA = 1
"""Its personal numbers (5xx) are charged like any other and are common among machines and tests."""
_REFUSED_CODES: dict[int, Refusal] = {
    808: Refusal.SHARED_COST,
    870: Refusal.SATELLITE,
    881: Refusal.SATELLITE,
    882: Refusal.SATELLITE,
    883: Refusal.SATELLITE,
    979: Refusal.PREMIUM,
}
_NO_COUNTRY = "001"

_NOBODY = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
"""What carriers send as From for a hidden caller: "anonymous", "restricted" and their like, spelt on the keypad."""

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")

_MIDWINTER = datetime(2026, 1, 15, tzinfo=UTC)
"""Zones are compared by their offset at this moment, so that a number keeps its zone all year."""

Language: TypeAlias = Literal["en", "zh"]
_SPOKEN: dict[str, Language] = {
    "AU": "en",
    "CN": "zh",
    "GB": "en",
    "IE": "en",
    "NZ": "en",
    "TW": "zh",
    "US": "en",
}


def normalise(raw: str, region: str | None) -> str:
    """`raw`, as somebody typed or a carrier sent it, in E.164. `region` (alpha-2) reads numbers without a country code.

    Raises:
        InvalidInput: not a possible and valid number, or one with an extension, which nobody could dial.
    """
    try:
        parsed = phonenumbers.parse(raw, region)
    except NumberParseException:
        raise InvalidInput("number", "this is not a telephone number; write it as +, country code and number") from None
    if parsed.extension:
        raise InvalidInput("number", "a number with an extension cannot be called back; give a direct number")
    if not _exists(parsed):
        raise InvalidInput("number", "no such telephone number exists; check its digits and country code")
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)


def of_ours(raw: str) -> str:
    """A number that belongs to the company (a queue's, an agent's phone) in E.164. The carrier knows its own numbers
    better than any list of ranges does, so that its length and country code are enough.

    Raises InvalidInput.
    """
    parsed = _parsed(raw)
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        raise InvalidInput("number", "this is not a telephone number in E.164, such as +12015550123")
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)


def region_of(number: str) -> str:
    """The country (alpha-2) of an E.164 number; of its country code's main country where the number itself is unknown.

    Raises InvalidInput where it is no number at all.
    """
    parsed = _parsed(number)
    if parsed is None:
        raise InvalidInput("number", "this is not a telephone number in E.164, such as +12015550123")
    return _region(parsed)


def check(number: str, *, allowed: Sequence[str] | None, own: str | None) -> None:
    """Whether we may ring this E.164 number, at acceptance and again at dialling.

    `allowed` is the policy's `allowed_countries` (None allows all), `own` the number that calls back and so names the
    country meant by "own". Costly and special numbers are refused whatever is allowed.

    Raises:
        NumberRefused: `reason` is a `Refusal`.
    """
    refusal = _refusal(number, allowed, own)
    if refusal is not None:
        raise NumberRefused(refusal, _SAID[refusal])


def usable_caller(raw: str) -> str | None:
    """The E.164 number behind a caller id that can be rung back; None for hidden, missing, invalid and SIP ones."""
    claimed = raw.strip()
    if not claimed.startswith("+") or not claimed[1:].isascii() or not claimed[1:].isdigit() or claimed in _NOBODY:
        return None
    try:
        return normalise(claimed, None)
    except InvalidInput:
        return None


def claimed(raw: str) -> str | None:
    """A caller id that is written as E.164, unchecked: enough to find what is known of a number, not to ring it.

    For every number that exists it is the same text as `usable_caller` gives, at a fiftieth of the time.
    """
    number = raw.strip()
    return number if _E164.fullmatch(number) and number not in _NOBODY else None


def can_text(number: str) -> bool:
    """Whether a text may reach this number: a mobile, or where numbers do not tell (as in North America), either."""
    parsed = _parsed(number)
    return parsed is not None and phonenumbers.number_type(parsed) in {
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
    }


def mask(number: str) -> str:
    """The number for pages, logs and errors: its first digits and the last four, such as +1201•••0123.

    Total: whatever it gets, at least three digits stay hidden, and anything that is no number is hidden wholly.
    """
    digits = number.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or len(digits) < 5:
        return "•••"
    tail = min(4, len(digits) - 3)
    head = max(0, min(4, len(digits) - tail - 3))
    plus = number[: len(number) - len(digits)]
    return f"{plus}{digits[:head]}•••{digits[-tail:]}"


def groups(number: str) -> tuple[str, ...]:
    """The digits as a person says them, in the groups of the country's own way of writing: ("201", "555", "0123")."""
    parsed = _parsed(number)
    if parsed is None:
        return tuple(_said_in_one_breath("".join(re.findall("[0-9]", number))))
    written = phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)
    return tuple(piece for group in re.findall("[0-9]+", written) for piece in _said_in_one_breath(group))


def zones_of(number: str) -> tuple[str, ...]:
    """The IANA zones this number may be in, the westernmost in winter first; () where that is not known."""
    parsed = _parsed(number)
    names = () if parsed is None else time_zones_for_number(parsed)
    return tuple(sorted((name for name in names if name != "Etc/Unknown"), key=lambda name: (_winter(name), name)))


def zone_of(number: str) -> str | None:
    """The one zone to tell this callee the time in, None where it is not known.

    Of several the westernmost, where the day begins last: a morning that is legal there is legal in all of them.
    Whoever must keep quiet hours exactly asks `hours.quiet_until` with all of `zones_of`.
    """
    zones = zones_of(number)
    return zones[0] if zones else None


def spoken_language(number: str) -> Language | None:
    """The language most people of the number's country speak, as a first guess; None where it would be a gamble."""
    if number.startswith("+1"):
        return _spoken_in_area(number[:5])
    return _spoken(number)


@lru_cache(maxsize=1000)
def _spoken_in_area(area: str) -> Language | None:
    """Of a North American area code, "+1" and three digits: it alone decides the country."""
    return _spoken(f"{area}2345678")


def _spoken(number: str) -> Language | None:
    parsed = _parsed(number)
    return None if parsed is None else _SPOKEN.get(phonenumbers.region_code_for_number(parsed) or "")


def _parsed(number: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(number, None)
    except NumberParseException:
        return None


def _region(parsed: PhoneNumber) -> str:
    return phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(
        parsed.country_code or 0
    )


def _exists(parsed: PhoneNumber) -> bool:
    return phonenumbers.is_possible_number(parsed) and phonenumbers.is_valid_number(parsed)


def _refusal(number: str, allowed: Sequence[str] | None, own: str | None) -> Refusal | None:
    parsed = _parsed(number)
    if parsed is None:
        return Refusal.INVALID
    valid = phonenumbers.is_valid_number(parsed)
    special = _special(parsed, valid=valid)
    if special is not None:
        return special
    if not (valid and phonenumbers.is_possible_number(parsed)):
        return Refusal.INVALID
    if allowed is not None and _region(parsed) not in _countries(allowed, own):
        return Refusal.COUNTRY
    return None


def _special(parsed: PhoneNumber, *, valid: bool) -> Refusal | None:
    """What no policy can allow: by country code, by kind of number, and by shortness where it is not `valid`."""
    if parsed.country_code in _REFUSED_CODES:
        return _REFUSED_CODES[parsed.country_code]
    kind = _REFUSED_TYPES.get(phonenumbers.number_type(parsed))
    if kind is not None and not (kind is Refusal.PERSONAL and parsed.country_code == _NORTH_AMERICA):
        return kind
    if phonenumbers.region_code_for_country_code(parsed.country_code or 0) == _NO_COUNTRY:
        return Refusal.NO_COUNTRY
    if not valid and shortnumberinfo.is_valid_short_number(parsed):
        return Refusal.SHORT
    return None


def _countries(allowed: Sequence[str], own: str | None) -> set[str]:
    named = {country for country in allowed if country != "own"}
    at_home = _home(own) if own and "own" in allowed else None
    return named if at_home is None else named | {at_home}


@lru_cache(maxsize=1000)
def _home(own: str) -> str | None:
    """The country of a number that calls back, of which a house has few."""
    parsed = _parsed(own)
    return None if parsed is None else _region(parsed)


def _said_in_one_breath(digits: str) -> list[str]:
    """Up to five digits as they are, more in equal groups of three or four, the longer ones last."""
    if len(digits) <= 5:
        return [digits] if digits else []
    count = -(-len(digits) // 4)
    ends = [len(digits) * n // count for n in range(1, count + 1)]
    return [digits[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _winter(zone: str) -> timedelta:
    return _MIDWINTER.astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0)
