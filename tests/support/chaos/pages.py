"""What callers do on their page in a soak, as a browser without scripts does it: look at the form, send it.

Each raises Refused where it is too late, or not offered any more, and OSError where something of ours is away.
"""

import re
from random import Random
from typing import Any

from tests.support.installation import Installation, Refused, http, post_form
from tests.support.waiting import eventually

CODE = re.compile(r"^(\d{6}) is your code", re.MULTILINE)


def cancel(callback: dict[str, Any]) -> None:
    """Not any more."""
    sent(callback["status_url"], "cancel")


def ready(callback: dict[str, Any]) -> None:
    """Before the time they had asked for, or after a call that they missed."""
    sent(callback["status_url"], "ready")


def later(callback: dict[str, Any], dice: Random) -> None:
    """At one of the times to choose from, none of which comes while the soak lasts."""
    page = callback["status_url"]
    times = re.findall(r'name="at" value="([^"]+)"', http("GET", f"{page}/later"))
    if not times:
        raise Refused(409, "no time to choose from")
    sent(page, "later", at=dice.choice(times))


def another_number(house: Installation, callback: dict[str, Any], number: str) -> None:
    """With the codes that were texted to either telephone."""
    page = callback["status_url"]
    sent(page, "number", number=number)
    both = number, callback["number"]
    eventually(lambda: all(codes(house, to) for to in both), within_s=30, every_s=0.5, what="the codes came")
    sent(page, "code", new=codes(house, number)[-1], old=codes(house, callback["number"])[-1])


def codes(house: Installation, number: str) -> list[str]:
    """What was texted there, oldest first."""
    return [found[1] for text in house.carrier.texts(number) if (found := CODE.search(text))]


def sent(page: str, form: str, **fields: str) -> str:
    """The form of that page, sent with the proof that it carries: what the answer says."""
    proof = re.search(r'name="proof" value="([^"]+)"', http("GET", f"{page}/{form}"))
    if proof is None:
        raise Refused(409, f"{form} is not offered")
    status, body = post_form(f"{page}/{form}", {"proof": proof[1], **fields})
    if status >= 400:
        raise Refused(status, body)
    return body
