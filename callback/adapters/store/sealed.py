"""Personal data at rest: sealed so that a copy of the database tells nothing, and found again by a keyed hash.

Every secret key gives three keys of its own by HKDF (RFC 5869): one seals (AES-256-GCM), one hashes numbers, and a
short one names the first two, so that a sealed value says which key opens it. To rotate, put a new key before the old
ones: the first seals, all open. Numbers are hashed with the last and oldest: lookups rest on hashes made long ago,
and those that keep somebody from being rung have no number beside them from which they could be made anew. Once nothing
is sealed under that oldest key any more, the second of its three may stand in for it: `numbers:` and 64 hexadecimal
digits open nothing.
"""

import hmac
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from callback.domain.errors import Unreadable

ID_BYTES = 4
"""A sealed value begins with so many bytes that name its key."""
NUMBERS = "numbers:"
"""Before the key that only hashes numbers, where the secret it was made of is gone."""
_NONCE_BYTES = 12
"""96 random bits, as NIST SP 800-38D wants: good for 2^32 values under one key, then rotate."""


class Unsealable(Unreadable):
    """A sealed value that no key at hand opens, or that was moved from another row or altered."""


def _derive(secret: str, purpose: str, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=f"callback/{purpose}".encode()).derive(
        secret.encode()
    )


def _number_key(key: str) -> bytes:
    if not key.startswith(NUMBERS):
        return _derive(key, "number", 32)
    found = bytes.fromhex(key.removeprefix(NUMBERS))
    if len(found) != 32:
        raise ValueError(f"a key with {NUMBERS} has 64 hexadecimal digits")
    return found


class Sealer:
    """Seals, opens and hashes. Safe to share between threads; shows no key in its repr."""

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys`: the secret in force first, then retired ones, newest to oldest. Raises ValueError without one."""
        secrets = [key for key in keys if not key.startswith(NUMBERS)]
        if not secrets or not all(keys) or any(key.startswith(NUMBERS) for key in keys[:-1]):
            raise ValueError(f"a sealer needs at least one key, none may be empty, and one with {NUMBERS} comes last")
        self._ciphers = {_derive(key, "key-id", ID_BYTES): AESGCM(_derive(key, "seal", 32)) for key in secrets}
        self._first = _derive(secrets[0], "key-id", ID_BYTES)
        self._numbers = _number_key(keys[-1])
        self._mac = hmac.new(self._numbers, digestmod="sha256")

    @property
    def mark(self) -> bytes:
        """What every value begins with that is sealed under the key in force."""
        return self._first

    def number_key(self) -> str:
        """What may stand in place of the oldest secret, once nothing is sealed under it: it only hashes numbers."""
        return NUMBERS + self._numbers.hex()

    def seal(self, clear: str, about: str) -> bytes:
        """`clear`, readable only with the key and only as the value of `about` (its table, column and row)."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._first + nonce + self._ciphers[self._first].encrypt(nonce, clear.encode(), about.encode())

    def open(self, sealed: bytes, about: str) -> str:
        """The clear text. Raises Unsealable."""
        cipher = self._ciphers.get(sealed[:ID_BYTES])
        if cipher is None:
            raise Unsealable(f"{about} was sealed with a key that is not at hand")
        start = ID_BYTES + _NONCE_BYTES
        try:
            return cipher.decrypt(sealed[ID_BYTES:start], sealed[start:], about.encode()).decode()
        except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
            raise Unsealable(f"{about} was altered or belongs elsewhere") from None

    def seal_json(self, value: Mapping[str, Any], about: str) -> bytes | None:
        """The object sealed; None for an empty one."""
        return self.seal(json.dumps(value, ensure_ascii=False, separators=(",", ":")), about) if value else None

    def open_json(self, sealed: bytes | None, about: str) -> dict[str, Any]:
        """The object. Raises Unsealable."""
        try:
            found: dict[str, Any] = json.loads(self.open(sealed, about)) if sealed else {}
        except ValueError:
            raise Unsealable(f"{about} holds no object") from None
        return found

    def number_hash(self, number: str) -> str:
        """32 hexadecimal digits of the number's HMAC-SHA256. The keyed state is copied, not made anew: about 2 µs."""
        mac = self._mac.copy()
        mac.update(number.encode())
        return mac.hexdigest()[:32]

    def __repr__(self) -> str:
        return f"Sealer({len(self._ciphers)} keys)"
