"""What the web needs to know of the installation, as values: nothing in `web` reads the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class WebOptions:
    """`limits_url` is where sign-in attempts are counted: Redis in production, `memory://` in one process.
    `limits_options` is what that storage is opened with: connections that know when Redis is away.

    `trusted_proxies` is how many proxies in front add `X-Forwarded-*`; 0 believes none of those headers.
    `carrier_token` and `carrier_account` are what webhooks are checked against, `simulated` that nobody real is called.
    """

    secret_key: str = field(repr=False)
    public_base_url: str
    production: bool = False
    limits_url: str = "memory://"
    limits_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    trusted_proxies: int = 0
    carrier_account: str = ""
    carrier_token: str = field(default="", repr=False)
    simulated: bool = False
    idle_s: float = 30 * 60
    session_s: float = 12 * 60 * 60

    @property
    def https(self) -> bool:
        """Whether the public address is an encrypted one: cookies and HSTS depend on it."""
        return self.public_base_url.startswith("https://")
