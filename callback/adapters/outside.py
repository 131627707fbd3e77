"""How our own address looks from here: whether what the carrier is told to ask is really us.

A name that leads to another machine, a proxy without its certificate or a web that does not run all look alike to a
caller: nothing happens. Our own health check, asked through the public address, tells them apart. Whether the internet
gets there as well, only what arrives from it can prove.
"""

import json
import urllib.error
import urllib.request

REACH_S = 3.0


class Outside:
    """`ports.Outside` by a request from this machine."""

    def answers(self, base_url: str) -> str | None:
        """What is wrong, in a few words; None where our own health check answers."""
        try:
            with urllib.request.urlopen(f"{base_url}/healthz", timeout=REACH_S) as answer:  # noqa: S310 -- our own, http or https
                return None if json.load(answer).get("status") == "ok" else "something else answers there"
        except urllib.error.URLError as away:
            return str(away.reason)
        except (OSError, ValueError, AttributeError) as odd:
            return f"something else answers there ({type(odd).__name__})"
