"""Who signs in, and how."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from callback.domain.access import WhoMust
from callback.domain.ids import AgentKey


@dataclass(frozen=True)
class User:
    """Somebody who signs in to the console or the desk."""

    email: str
    role: str
    password_hash: str
    agent: AgentKey | None = None
    disabled: bool = False
    signed_in_at: datetime | None = None  # the last time


@dataclass(frozen=True)
class ApiToken:
    """A bearer token, by its hash. `agent` is whom one of the role agent may speak for; `used_at` is right to the
    hour."""

    name: str
    role: str
    token_hash: str
    agent: AgentKey | None = None
    used_at: datetime | None = None


@dataclass(frozen=True)
class Session:
    """Somebody signed in at one browser, as the record has it at this moment. `two_step`: whether they have it on;
    `must` is the house's rule."""

    user: User
    two_step: bool
    must: WhoMust


@dataclass(frozen=True)
class SecondStep:
    """What one-time codes of somebody are made from. `secret` is the one in force, "" before the first was confirmed;
    `pending` one that waits to be confirmed; `last_step` the interval whose code was used last."""

    email: str
    secret: str = ""
    pending: str = ""
    confirmed_at: datetime | None = None
    last_step: int = 0


@dataclass(frozen=True)
class WelcomeLink:
    """By its token's hash: who may set a password with it, once, and until when."""

    email: str
    token_hash: str
    expires_at: datetime


class People(Protocol):
    """Users, tokens, sessions and second steps."""

    def put_user(self, user: User) -> None: ...
    def add_user(self, user: User) -> bool:
        """False: there is one with this address, also where somebody else adds them at this moment."""
        ...

    def user(self, email: str) -> User | None: ...
    def users(self) -> list[User]: ...
    def put_token(self, token: ApiToken) -> None: ...
    def add_token(self, token: ApiToken) -> bool:
        """False: there is one of this name, also where somebody else adds it at this moment."""
        ...

    def drop_token(self, name: str) -> None:
        """It opens nothing any more. Raises NotFound."""
        ...

    def tokens(self) -> list[ApiToken]:
        """By name."""
        ...

    def token(self, token_hash: str) -> ApiToken | None: ...
    def token_used(self, token_hash: str, at: datetime, *, every: timedelta) -> None:
        """Notes that it was used, unless that was noted within `every` before."""
        ...

    def users_to_change(self) -> list[User]:
        """All, by address, held until the end of the transaction: nobody else changes any meanwhile."""
        ...

    def open_session(self, id_hash: str, email: str, at: datetime) -> None:
        """They are signed in, which is noted on the user as well."""
        ...

    def session(self, id_hash: str) -> Session | None:
        """As long as it was not ended, whatever became of the user."""
        ...

    def session_count(self, email: str) -> int: ...
    def end_session(self, id_hash: str) -> None: ...
    def end_sessions(self, email: str, *, but: str = "") -> int:
        """All of somebody's, but the one of this hash. How many there were."""
        ...

    def forget_sessions(self, before: datetime) -> None:
        """Those that began so long ago that they are over anyway."""
        ...

    def two_step_rule(self) -> WhoMust: ...
    def put_two_step_rule(self, rule: WhoMust) -> None: ...
    def second_step(self, email: str) -> SecondStep | None:
        """Raises Unreadable."""
        ...

    def second_steps(self) -> set[str]:
        """The addresses of those who have it on."""
        ...

    def put_second_step(self, step: SecondStep) -> None: ...
    def spend_step(self, email: str, step: int) -> bool:
        """Uses up the code of this interval and those of all before. False: it was used up already."""
        ...

    def drop_second_step(self, email: str) -> bool:
        """With its recovery codes. Whether there was one."""
        ...

    def put_recovery_codes(self, email: str, hashes: Iterable[str]) -> None:
        """These, in place of any before."""
        ...

    def spend_recovery_code(self, email: str, code_hash: str) -> bool:
        """False: there is none such, or it was used."""
        ...

    def recovery_codes_left(self, email: str) -> int: ...
    def put_welcome(self, link: WelcomeLink) -> None:
        """In place of any other of this user."""
        ...

    def welcome(self, token_hash: str) -> WelcomeLink | None: ...
    def welcomes(self) -> dict[str, datetime]:
        """By address, when the link of those who have one expires."""
        ...

    def take_welcome(self, token_hash: str) -> WelcomeLink | None:
        """The link, which is gone with this: of two who take it at once, one gets it."""
        ...

    def drop_welcome(self, email: str) -> None: ...
