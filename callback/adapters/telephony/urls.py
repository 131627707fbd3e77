"""The URLs we hand out: documents for the carrier, the status page for the caller.

Every document URL carries a nonce, so that a repeated request of one document is known from a new one that happens to
ask the same: the same wrong digit twice is legitimate, the same request twice has no second effect.
"""

import secrets
from urllib.parse import quote_plus

NONCE = "x"
"""The query parameter of the nonce."""


class PublicUrls:
    """`ports.Urls` below the address that the carrier and callers reach."""

    def __init__(self, base: str) -> None:
        self._base = base.rstrip("/")

    @property
    def base(self) -> str:
        """The address itself, without a slash at its end."""
        return self._base

    def step(self, path: str, **query: str) -> str:
        """A document or report below `/voice/`, with a fresh nonce of 72 bits."""
        written = "".join([f"{name}={_written(value)}&" for name, value in query.items()])
        return f"{self._base}/voice/{path}?{written}{NONCE}={secrets.token_urlsafe(9)}"

    def status_page(self, token: str) -> str:
        """A caller's page."""
        return f"{self._base}/c/{token}"


def _written(value: str) -> str:
    """A value as a query has it. Nearly all are plain letters and digits, and need no look at each of them."""
    return value if value.isascii() and value.isalnum() else quote_plus(value)
