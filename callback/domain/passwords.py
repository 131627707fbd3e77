"""Which passwords are refused: too short, known to everybody, or made of who somebody is.

Length is what counts, and no mixture of kinds of characters is asked for (NIST SP 800-63B, ASVS 6.2). What is refused
is what a guesser tries first. The commonest passwords are short words with something hung on them to fill the length,
so the words are what is listed, and what hangs on them is stripped before the list is asked.
"""

import re
from enum import StrEnum

LENGTH = 12
"""The shortest password accepted, in characters."""
LONGEST = 200
FEW = 5
"""A password of fewer different characters than these is a pattern."""
_RUNS = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "01234567890", "1qaz2wsx3edc4rfv5tgb6yhn")
_COMMON = """
access account admin administrator agent apple baseball batman basketball beautiful callback callcenter callcentre
changeme charlie chocolate computer contactcenter cookie correcthorsebatterystaple default demo donald dragon
flower football forever freedom fuckyou hello helloworld hunter iloveyou internet jesus killer letmein liverpool
login loveme lovely manager master michael monkey monday mustang myspace mynameis nothing office pass passcode
passphrase password passwort princess pokemon princesa qazwsx qwerty root samsung secret service shadow soccer
starwars success summer sunday sunshine superman support supervisor system tequiero test testing thankyou
trustnoone user welcome whatever winter spring autumn woaini wodemima mima yourpassword mypassword newpassword
thisismypassword
"""
_WORDS = frozenset(_COMMON.split())
_LEET = str.maketrans("0134578@$!", "oleastbasi")


class Weak(StrEnum):
    """Why a password is refused."""

    SHORT = "short"
    LONG = "long"
    COMMON = "common"
    PERSONAL = "personal"


def weakness(password: str, email: str = "") -> Weak | None:
    """What is wrong with `password` as that of `email`, or None. The address is lower case or not, as it comes."""
    if len(password) < LENGTH:
        return Weak.SHORT
    if len(password) > LONGEST:
        return Weak.LONG
    if _personal(password, email):
        return Weak.PERSONAL
    return Weak.COMMON if _common(password.casefold()) else None


def _personal(password: str, email: str) -> bool:
    local = email.casefold().partition("@")[0]
    parts = [part for part in (local, *re.split(r"[^a-z0-9]+", local)) if len(part) >= 4]
    return any(part in password.casefold() for part in parts)


def _common(password: str) -> bool:
    return len(set(password)) < FEW or _repeats(password) or _runs(password) or _a_word(password)


def _repeats(password: str) -> bool:
    """A short piece over and over, such as `abc1abc1abc1`."""
    return any(password.startswith(password[size:]) for size in range(1, len(password) // 2 + 1))


def _runs(password: str) -> bool:
    """Nothing but neighbours on the keyboard or in the alphabet, such as `qwertyuiop12`."""
    rest = password
    for run in (*_RUNS, *(run[::-1] for run in _RUNS)):
        for size in range(len(run), 2, -1):
            for start in range(len(run) - size + 1):
                rest = rest.replace(run[start : start + size], "")
    return len(rest) < FEW


def _a_word(password: str) -> bool:
    """A listed word, once or several, with digits and signs around it, or for some of its letters."""
    plain = re.sub(r"[^a-z]+", "", password)
    spelled = re.sub(r"[^a-z]+", "", password.rstrip("0123456789!?.*#").translate(_LEET))
    return any(_only_words(text) for text in (plain, spelled) if text)


def _only_words(text: str) -> bool:
    """Whether at most two listed words make up the whole."""
    return text in _WORDS or any(text[:at] in _WORDS and text[at:] in _WORDS for at in range(1, len(text)))
