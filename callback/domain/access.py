"""Who may sign in and what they need for it, as rules over a few facts: one administrator at least stays, whoever has
to use two-step sign-in does, and an invitation does not wait for ever."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from callback.domain.errors import CallbackError

ADMIN = "admin"
ROLES = ("viewer", "supervisor", ADMIN, "agent")
MAY_SET_POLICIES = frozenset({"supervisor", ADMIN})
WELCOME_FOR = timedelta(hours=24)
"""How long a link to set a password is good for."""
RECOVERY_CODES = 10


class WhoMust(StrEnum):
    """Who has to use two-step sign-in. A word once written never changes."""

    NOBODY = "nobody"
    ADMINS = "admins"
    EVERYONE = "everyone"


class LastAdministrator(CallbackError):
    """Without them nobody could change the house any more."""


@dataclass(frozen=True)
class Standing:
    """Of one user, what counts here. `able`: they have a password to sign in with."""

    email: str
    role: str
    disabled: bool
    able: bool


def must_use_two_step(rule: WhoMust, role: str) -> bool:
    """Whether the house wants it of somebody of this role."""
    return rule is WhoMust.EVERYONE or (rule is WhoMust.ADMINS and role == ADMIN)


def keep_an_administrator(users: Iterable[Standing], email: str) -> None:
    """Raises LastAdministrator where `email` administers and nobody else does, before they stop doing so."""
    administrators = {one.email for one in users if _administers(one)}
    if administrators == {email}:
        raise LastAdministrator(f"{email} is the last administrator who can sign in: make somebody else one first")


def _administers(one: Standing) -> bool:
    return one.role == ADMIN and not one.disabled and one.able
