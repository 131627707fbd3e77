"""What the web needs to know of the installation, as values: nothing in `web` reads the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from callback.adapters.telephony.softphone import ApiKey
from callback.domain.desk import USUAL_CODES, Code, codes


@dataclass(frozen=True)
class DeskOptions:
    """What the agents' desks are given: the outcomes to choose from, where a caller is looked up (`{number}` in it),
    and the key that signs tokens for telephones in the page. `stand_in` is the origin of an emulated carrier that plays
    the real one's part for them."""

    codes: tuple[Code, ...] = codes(USUAL_CODES)
    crm_url: str = ""
    key: ApiKey | None = None
    stand_in: str = ""


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
    desk: DeskOptions = field(default_factory=DeskOptions)
    idle_s: float = 30 * 60
    session_s: float = 12 * 60 * 60

    @property
    def https(self) -> bool:
        """Whether the public address is an encrypted one: cookies and HSTS depend on it."""
        return self.public_base_url.startswith("https://")
