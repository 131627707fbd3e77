"""One-time codes of an authenticator app (RFC 6238): the secret, its picture, and whether a code is right and new.

A code is good in its own half minute and in those beside it, since telephones' clocks differ; and once: the interval of
the last one used is kept, and neither it nor an earlier one is taken again.
"""

from datetime import datetime

import pyotp
import segno
from markupsafe import Markup
from pyotp.utils import strings_equal

from callback.flows import users
from callback.web.context import house

ISSUER = "callback"
BESIDE = (0, -1, 1)
"""Intervals beside the present one that are good as well."""


def new_secret() -> str:
    """160 random bits in base32."""
    return pyotp.random_base32()


def picture(secret: str, email: str) -> Markup:
    """The QR code that an app scans, as SVG without any style of its own."""
    address = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)
    drawn = segno.make(address, error="m", micro=False)
    return Markup(drawn.svg_inline(scale=5, border=3, dark="#000", light="#fff", omitsize=True))  # noqa: S704 - our own


def in_groups(secret: str) -> str:
    """The secret as it is typed by hand."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def interval(secret: str, code: str, now: datetime) -> int | None:
    """Of which interval `code` is the code, as far as one about now; None where it is none."""
    totp = pyotp.TOTP(secret)
    present = totp.timecode(now)
    good = [present + away for away in BESIDE if strings_equal(totp.generate_otp(present + away), code)]
    return good[0] if good else None


def digits(said: str) -> str:
    """Six digits as they were typed, or "" for what is no code of an app."""
    plain = "".join(said.split())
    return plain if len(plain) == 6 and plain.isascii() and plain.isdigit() else ""


def admits(email: str, said: str) -> bool:
    """Whether a code of their app, or a recovery code, opens the door: each once."""
    code = digits(said)
    if not code:
        return users.spend_recovery_code(house(), email, said[:40])
    with house().store.begin() as work:
        known = work.second_step(email)
        if known is None or not known.secret:
            return False
        at = interval(known.secret, code, house().clock.now())
        return at is not None and work.spend_step(email, at)
