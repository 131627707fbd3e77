"""Who signs in and which programs ask: users, their sessions, second steps, recovery codes and welcome links, tokens.

Nothing here opens a door by itself: links, sessions, tokens and codes are kept by their hashes, secrets of one-time
codes sealed. What may be used once is taken by one statement, so that of two who come with it one is admitted.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from callback.adapters.store.tables import (
    recovery_codes,
    second_steps,
    sessions,
    sign_in_rules,
    tokens,
    users,
    welcome_links,
)
from callback.adapters.store.transaction import Transaction, plain_row, plain_values
from callback.domain.access import WhoMust
from callback.domain.errors import NotFound
from callback.ports import ApiToken, SecondStep, Session, User, WelcomeLink

_SEALED = ("secret", "pending")
_RULE = select(sign_in_rules.c.two_step).where(sign_in_rules.c.id == 1)
_ON = second_steps.c.confirmed_at.is_not(None)
_SESSION = (
    select(users, _ON.label("two_step"), _RULE.scalar_subquery().label("must"))
    .select_from(
        sessions.join(users, users.c.email == sessions.c.email).outerjoin(
            second_steps, second_steps.c.email == users.c.email
        )
    )
)  # fmt: skip
_TOKEN = select(tokens).where(tokens.c.token_hash == bindparam("b_hash"))


class Users(Transaction):
    """The verbs on users and tokens, and on how users come in."""

    # --- users ------------------------------------------------------------------------------------------------------

    def put_user(self, user: User) -> None:
        self._upsert(users, plain_values(user, ()))

    def add_user(self, user: User) -> bool:
        return self._insert_new(users, plain_values(user, ()))

    def user(self, email: str) -> User | None:
        row = self._sql.execute(select(users).where(users.c.email == email)).one_or_none()
        return None if row is None else User(**plain_row(User, row, ()))

    def users(self) -> list[User]:
        """By address."""
        return [User(**plain_row(User, row, ())) for row in self._sql.execute(select(users).order_by(users.c.email))]

    def users_to_change(self) -> list[User]:
        """By address, always, so that two who hold them all do not wait for each other."""
        held = select(users).order_by(users.c.email).with_for_update()
        return [User(**plain_row(User, row, ())) for row in self._sql.execute(held)]

    # --- sessions ---------------------------------------------------------------------------------------------------

    def open_session(self, id_hash: str, email: str, at: datetime) -> None:
        self._sql.execute(insert(sessions), {"id_hash": id_hash, "email": email, "began_at": at})
        self._sql.execute(update(users).where(users.c.email == email).values(signed_in_at=at))

    def session(self, id_hash: str) -> Session | None:
        row = self._sql.execute(_SESSION.where(sessions.c.id_hash == id_hash)).one_or_none()
        if row is None:
            return None
        return Session(User(**plain_row(User, row, ())), bool(row.two_step), row.must or WhoMust.NOBODY)

    def session_count(self, email: str) -> int:
        found = select(func.count()).select_from(sessions).where(sessions.c.email == email)
        return int(self._sql.execute(found).scalar_one())

    def end_session(self, id_hash: str) -> None:
        self._sql.execute(delete(sessions).where(sessions.c.id_hash == id_hash))

    def end_sessions(self, email: str, *, but: str = "") -> int:
        theirs = (sessions.c.email == email) & (sessions.c.id_hash != but)
        return self._sql.execute(delete(sessions).where(theirs)).rowcount

    def forget_sessions(self, before: datetime) -> None:
        self._sql.execute(delete(sessions).where(sessions.c.began_at < before))

    # --- the second step --------------------------------------------------------------------------------------------

    def two_step_rule(self) -> WhoMust:
        return self._sql.execute(_RULE).scalar() or WhoMust.NOBODY

    def put_two_step_rule(self, rule: WhoMust) -> None:
        self._upsert(sign_in_rules, {"id": 1, "two_step": rule})

    def second_step(self, email: str) -> SecondStep | None:
        """Raises Unsealable."""
        row = self._sql.execute(select(second_steps).where(second_steps.c.email == email)).one_or_none()
        if row is None:
            return None
        opened: dict[str, Any] = {name: self._unsealed(row._mapping[name], name, email) for name in _SEALED}
        return SecondStep(**plain_row(SecondStep, row, _SEALED), **opened)

    def second_steps(self) -> set[str]:
        return set(self._sql.execute(select(second_steps.c.email).where(_ON)).scalars())

    def put_second_step(self, step: SecondStep) -> None:
        sealed = {name: self._sealed(getattr(step, name), name, step.email) for name in _SEALED}
        self._upsert(second_steps, plain_values(step, _SEALED) | sealed)

    def spend_step(self, email: str, step: int) -> bool:
        later = (second_steps.c.email == email) & _ON & (second_steps.c.last_step < step)
        return self._sql.execute(update(second_steps).where(later).values(last_step=step)).rowcount == 1

    def drop_second_step(self, email: str) -> bool:
        self._sql.execute(delete(recovery_codes).where(recovery_codes.c.email == email))
        return self._sql.execute(delete(second_steps).where(second_steps.c.email == email)).rowcount == 1

    def put_recovery_codes(self, email: str, hashes: Iterable[str]) -> None:
        self._sql.execute(delete(recovery_codes).where(recovery_codes.c.email == email))
        self._sql.execute(insert(recovery_codes), [{"email": email, "code_hash": one} for one in hashes])

    def spend_recovery_code(self, email: str, code_hash: str) -> bool:
        this = (recovery_codes.c.email == email) & (recovery_codes.c.code_hash == code_hash)
        return self._sql.execute(delete(recovery_codes).where(this)).rowcount == 1

    def recovery_codes_left(self, email: str) -> int:
        found = select(func.count()).select_from(recovery_codes).where(recovery_codes.c.email == email)
        return int(self._sql.execute(found).scalar_one())

    # --- welcome links ----------------------------------------------------------------------------------------------

    def put_welcome(self, link: WelcomeLink) -> None:
        self._upsert(welcome_links, plain_values(link, ()))

    def welcome(self, token_hash: str) -> WelcomeLink | None:
        row = self._sql.execute(select(welcome_links).where(welcome_links.c.token_hash == token_hash)).one_or_none()
        return None if row is None else WelcomeLink(**plain_row(WelcomeLink, row, ()))

    def welcomes(self) -> dict[str, datetime]:
        found = select(welcome_links.c.email, welcome_links.c.expires_at)
        return {row.email: row.expires_at for row in self._sql.execute(found)}

    def take_welcome(self, token_hash: str) -> WelcomeLink | None:
        this = delete(welcome_links).where(welcome_links.c.token_hash == token_hash).returning(welcome_links)
        row = self._sql.execute(this).one_or_none()
        return None if row is None else WelcomeLink(**plain_row(WelcomeLink, row, ()))

    def drop_welcome(self, email: str) -> None:
        self._sql.execute(delete(welcome_links).where(welcome_links.c.email == email))

    # --- tokens -----------------------------------------------------------------------------------------------------

    def put_token(self, token: ApiToken) -> None:
        self._upsert(tokens, plain_values(token, ()))

    def add_token(self, token: ApiToken) -> bool:
        return self._insert_new(tokens, plain_values(token, ()))

    def drop_token(self, name: str) -> None:
        """Raises NotFound."""
        if self._sql.execute(delete(tokens).where(tokens.c.name == name)).rowcount == 0:
            raise NotFound(f"there is no token {name}")

    def tokens(self) -> list[ApiToken]:
        """By name."""
        rows = self._sql.execute(select(tokens).order_by(tokens.c.name))
        return [ApiToken(**plain_row(ApiToken, row, ())) for row in rows]

    def token(self, token_hash: str) -> ApiToken | None:
        row = self._sql.execute(_TOKEN, {"b_hash": token_hash}).one_or_none()
        return None if row is None else ApiToken(**plain_row(ApiToken, row, ()))

    def token_used(self, token_hash: str, at: datetime, *, every: timedelta) -> None:
        long_ago = or_(tokens.c.used_at.is_(None), tokens.c.used_at <= at - every)
        one = update(tokens).where(tokens.c.token_hash == token_hash, long_ago)
        self._sql.execute(one.values(used_at=at))

    # --- sealing ----------------------------------------------------------------------------------------------------

    def _sealed(self, clear: str, column: str, email: str) -> bytes | None:
        return self._sealer.seal(clear, f"second_steps.{column}:{email}") if clear else None

    def _unsealed(self, sealed: Any, column: str, email: str) -> str:
        return self._sealer.open(sealed, f"second_steps.{column}:{email}") if sealed else ""
