"""Passwords and bearer tokens: how they are made, kept and compared. Nothing here is ever kept in clear."""

import hashlib
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from callback.domain.errors import InvalidInput

PASSWORD_LENGTH = 12
"""The shortest password accepted: length counts, composition rules do not (ASVS 6.2.1)."""

_hasher = PasswordHasher()


def new_token() -> str:
    """A bearer token of 256 random bits, with a prefix by which a leaked one is recognised."""
    return "cbk_" + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """By what a token is looked up. It is random enough that a plain hash cannot be searched."""
    return hashlib.sha256(token.encode()).hexdigest()


def hash_password(password: str) -> str:
    """The argon2id hash to keep. Raises InvalidInput for a password that is too short."""
    if len(password) < PASSWORD_LENGTH:
        raise InvalidInput("password", f"a password needs at least {PASSWORD_LENGTH} characters")
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
