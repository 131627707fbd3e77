"""Who may sign in: invited, changed, shut out and let in again by an administrator, and what they do for themselves.

Nobody's password passes through here, only its hash; links, codes and sessions are kept by their hashes. Whatever takes
something from somebody (a role, a password, the account) ends their sessions in the same transaction.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from callback.domain.access import (
    RECOVERY_CODES,
    ROLES,
    WELCOME_FOR,
    Standing,
    WhoMust,
    keep_an_administrator,
)
from callback.domain.acts import Doer, What, act
from callback.domain.errors import InvalidInput, NameTaken, NotFound
from callback.domain.ids import AgentKey, token_hash
from callback.ports import House, SecondStep, User, WelcomeLink, Work

_CODE_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that look like others."""


@dataclass(frozen=True)
class Invitation:
    """A link to set a password, told once: only its hash is kept."""

    email: str
    token: str
    expires_at: datetime


@dataclass(frozen=True)
class Known:
    """A user as the list has them. `invited_until`: there is a link that was not used."""

    user: User
    two_step: bool
    invited_until: datetime | None

    @property
    def state(self) -> str:
        """`disabled`, `invited` (they never came in), `reset` (a new password is waited for), or `active`."""
        if self.user.disabled:
            return "disabled"
        if self.user.password_hash:
            return "active"
        return "invited" if self.user.signed_in_at is None else "reset"


def audited(user: User | None) -> dict[str, Any] | None:
    """What the audit log keeps of an account: nothing of its password."""
    return None if user is None else {"role": user.role, "agent": user.agent, "disabled": user.disabled}


# --- what an administrator does ---------------------------------------------------------------------------------------


def everybody(house: House) -> list[Known]:
    """By address."""
    with house.store.look() as work:
        on, links = work.second_steps(), work.welcomes()
        return [Known(user, user.email in on, links.get(user.email)) for user in work.users()]


def invite(house: House, doer: Doer, email: str, *, role: str, agent: AgentKey | None) -> Invitation:
    """A new user without a password, and the link with which they set one. Raises InvalidInput, NameTaken."""
    now = house.clock.now()
    with house.store.begin() as work:
        user = User(email, role, "", agent)
        _check(work, user)
        if not work.add_user(user):
            raise NameTaken("email", f"{email} is a user already")
        work.act(act(doer, What.USER_INVITE, email, now, after=audited(user)))
        return _link(work, email, now)


def change(house: House, doer: Doer, email: str, *, role: str, agent: AgentKey | None) -> User:
    """Their role, and whose desk they have. Raises InvalidInput, LastAdministrator, NotFound."""
    with house.store.begin() as work:
        known = _held(work, email, administers_on=role == "admin")
        user = replace(known, role=role, agent=agent)
        _check(work, user)
        work.put_user(user)
        if audited(user) != audited(known):
            work.act(act(doer, What.USER_SAVE, email, house.clock.now(), before=audited(known), after=audited(user)))
        return user


def disable(house: House, doer: Doer, email: str) -> None:
    """They are out at once and stay out, and no link of theirs opens anything. Raises LastAdministrator, NotFound."""
    with house.store.begin() as work:
        known = _held(work, email, administers_on=False)
        work.put_user(replace(known, disabled=True))
        work.end_sessions(email)
        work.drop_welcome(email)
        before, after = {"disabled": known.disabled}, {"disabled": True}
        work.act(act(doer, What.USER_DISABLE, email, house.clock.now(), before=before, after=after))


def enable(house: House, doer: Doer, email: str) -> None:
    """They may sign in again as before. Raises NotFound."""
    with house.store.begin() as work:
        known = _held(work, email, administers_on=True)
        work.put_user(replace(known, disabled=False))
        before, after = {"disabled": known.disabled}, {"disabled": False}
        work.act(act(doer, What.USER_ENABLE, email, house.clock.now(), before=before, after=after))


def reset_password(house: House, doer: Doer, email: str) -> Invitation:
    """The old password is worth nothing and their sessions are over; the link sets a new one. Raises
    LastAdministrator where nobody who administers could sign in meanwhile, InvalidInput for a disabled user."""
    now = house.clock.now()
    with house.store.begin() as work:
        known = _held(work, email, administers_on=False)
        if known.disabled:
            raise InvalidInput("email", f"{email} is disabled")
        work.put_user(replace(known, password_hash=""))
        work.end_sessions(email)
        work.act(act(doer, What.USER_RESET, email, now))
        return _link(work, email, now)


def reset_two_step(house: House, doer: Doer, email: str) -> None:
    """Their password alone opens the door again, until they set it up anew. Raises NotFound."""
    with house.store.begin() as work:
        _held(work, email, administers_on=True)
        if work.drop_second_step(email):
            work.end_sessions(email)
            work.act(act(doer, What.USER_TWO_STEP_RESET, email, house.clock.now()))


def require_two_step(house: House, doer: Doer, rule: WhoMust) -> None:
    """From now on: whoever must and has not is led to set it up first."""
    with house.store.begin() as work:
        before = work.two_step_rule()
        work.put_two_step_rule(rule)
        if before is not rule:
            told = {"two_step": str(rule)}
            work.act(act(doer, What.TWO_STEP_RULE, "", house.clock.now(), before={"two_step": str(before)}, after=told))


# --- what people do for themselves ------------------------------------------------------------------------------------


def invited(house: House, token: str) -> WelcomeLink | None:
    """Whose link this is; None for one that is unknown, used, replaced, too old, or of somebody who is shut out."""
    with house.store.look() as work:
        link = work.welcome(token_hash(token))
        user = work.user(link.email) if link is not None else None
    good = link is not None and link.expires_at > house.clock.now() and user is not None and not user.disabled
    return link if good else None


def accept(house: House, token: str, password_hash: str) -> str | None:
    """Sets the password of whose link it is, once; earlier sessions are over. Their address, or None as `invited`."""
    now = house.clock.now()
    with house.store.begin() as work:
        users = work.users_to_change()  # held before the link, as by whoever resets or disables them at this moment
        link = work.take_welcome(token_hash(token))
        user = next((one for one in users if link is not None and one.email == link.email), None)
        if link is None or link.expires_at <= now or user is None or user.disabled:
            return None
        work.put_user(replace(user, password_hash=password_hash))
        work.end_sessions(user.email)
        work.act(act(Doer(user.email, user.role), What.USER_PASSWORD, user.email, now))
        return user.email


def change_password(house: House, email: str, password_hash: str, *, session: str) -> bool:
    """A new password; their sessions in other browsers than that of the hash `session` are over. False: there is no
    such user any more."""
    with house.store.begin() as work:
        user = _user_to_change(work, email)
        if user is None or user.disabled:
            return False
        work.put_user(replace(user, password_hash=password_hash))
        work.end_sessions(email, but=session)
        work.drop_welcome(email)
        work.act(act(Doer(email, user.role), What.USER_PASSWORD, email, house.clock.now()))
        return True


def sign_out_everywhere(house: House, doer: Doer) -> None:
    """In every browser, this one too."""
    with house.store.begin() as work:
        work.end_sessions(doer.by)
        work.act(act(doer, What.USER_SIGN_OUT, doer.by, house.clock.now()))


def begin_two_step(house: House, email: str, secret: str) -> None:
    """Keeps a secret until a code made from it is shown; one that is in force stays so meanwhile."""
    with house.store.begin() as work:
        known = work.second_step(email) or SecondStep(email)
        work.put_second_step(replace(known, pending=secret))


def confirm_two_step(house: House, doer: Doer, pending: SecondStep, step: int, *, session: str) -> list[str] | None:
    """Puts the secret that waits in force, after a code of interval `step` was shown, and gives new recovery codes.
    Other sessions are over. None: what waited is not what waits now."""
    now, codes = house.clock.now(), recovery_codes()
    with house.store.begin() as work:
        _user_to_change(work, doer.by)  # of two who confirm at once, one
        known = work.second_step(doer.by)
        if known is None or not known.pending or known.pending != pending.pending:
            return None
        work.put_second_step(SecondStep(doer.by, known.pending, "", now, step))
        work.put_recovery_codes(doer.by, _hashes(house, doer.by, codes))
        work.end_sessions(doer.by, but=session)
        work.act(act(doer, What.USER_TWO_STEP_ON, doer.by, now))
    return codes


def renew_recovery_codes(house: House, doer: Doer) -> list[str]:
    """New ones, in place of those before."""
    codes = recovery_codes()
    with house.store.begin() as work:
        work.put_recovery_codes(doer.by, _hashes(house, doer.by, codes))
        work.act(act(doer, What.USER_CODES, doer.by, house.clock.now()))
    return codes


def turn_off_two_step(house: House, doer: Doer) -> None:
    """The password alone opens the door again."""
    with house.store.begin() as work:
        if work.drop_second_step(doer.by):
            work.act(act(doer, What.USER_TWO_STEP_OFF, doer.by, house.clock.now()))


def spend_recovery_code(house: House, email: str, code: str) -> bool:
    """Whether this was one of theirs that nobody used before; now it is used."""
    plain = "".join(letter for letter in code.lower() if letter in _CODE_LETTERS)
    with house.store.begin() as work:
        spent = work.spend_recovery_code(email, house.store.code_hash(f"recovery {email}", plain))
        user = work.user(email)
        if spent and user is not None:
            left = {"left": work.recovery_codes_left(email)}
            work.act(act(Doer(email, user.role), What.USER_CODE_SPENT, email, house.clock.now(), after=left))
    return spent


def recovery_codes() -> list[str]:
    """As they are shown: two groups of five, about fifty bits each."""
    return ["-".join(_letters(5) for _ in range(2)) for _ in range(RECOVERY_CODES)]


# --- pieces -----------------------------------------------------------------------------------------------------------


def _letters(count: int) -> str:
    return "".join(secrets.choice(_CODE_LETTERS) for _ in range(count))


def _hashes(house: House, email: str, codes: Iterable[str]) -> list[str]:
    return [house.store.code_hash(f"recovery {email}", code.replace("-", "")) for code in codes]


def _held(work: Work, email: str, *, administers_on: bool) -> User:
    """The user, with all users held. Raises NotFound, and LastAdministrator where they would administer no more and
    nobody else does."""
    users = work.users_to_change()
    known = next((one for one in users if one.email == email), None)
    if known is None:
        raise NotFound(f"there is no user {email}")
    if not administers_on:
        standings = [Standing(one.email, one.role, one.disabled, bool(one.password_hash)) for one in users]
        keep_an_administrator(standings, email)
    return known


def _user_to_change(work: Work, email: str) -> User | None:
    return next((one for one in work.users_to_change() if one.email == email), None)


def _check(work: Work, user: User) -> None:
    if user.role not in ROLES:
        raise InvalidInput("role", f"there is no role {user.role!r}")
    if user.role == "agent" and user.agent is None:
        raise InvalidInput("agent", "the role agent needs an agent: whose desk is it?")
    if user.agent is not None and not any(one.key == user.agent for one in work.agents()):
        raise InvalidInput("agent", f"there is no agent {user.agent}")


def _link(work: Work, email: str, now: datetime) -> Invitation:
    token = secrets.token_urlsafe(32)
    work.put_welcome(WelcomeLink(email, token_hash(token), now + WELCOME_FOR))
    return Invitation(email, token, now + WELCOME_FOR)
