"""Passwords and bearer tokens: how they are made, kept and compared. Nothing here is ever kept in clear."""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from callback.domain.errors import InvalidInput
from callback.domain.passwords import LENGTH, LONGEST, Weak, weakness

REFUSED = {
    Weak.SHORT: f"a password needs at least {LENGTH} characters",
    Weak.LONG: f"a password has at most {LONGEST} characters",
    Weak.COMMON: "this password is among the first to be tried: take some words that do not belong together",
    Weak.PERSONAL: "a password must not have the name in the email address in it",
}
"""In the words of the command line; pages have their own."""

_hasher = PasswordHasher()


def new_token() -> str:
    """A bearer token of 256 random bits, with a prefix by which a leaked one is recognised."""
    return "cbk_" + secrets.token_urlsafe(32)


def hash_password(password: str, email: str = "") -> str:
    """The argon2id hash to keep. Raises InvalidInput for a password that is weak as that of `email`."""
    weak = weakness(password, email)
    if weak is not None:
        raise InvalidInput("password", REFUSED[weak])
    return _hasher.hash(password)


def password_matches(kept: str | None, password: str) -> bool:
    """Whether `password` is that of the hash `kept`. As slow without a hash, so that time tells nobody who exists."""
    try:
        _hasher.verify(kept or _nobody(), password)
        return kept is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe())
