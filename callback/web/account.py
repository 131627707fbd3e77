"""What people see and change about themselves: the password, two-step sign-in with its recovery codes, and the way out
of every browser.

Whatever would let somebody else in for good is asked for the password once more, also of those who are signed in: a
desk that was left open gives nobody the account. So what was begun with the password is seen and confirmed in the same
browser alone, and for a short while.
"""

from math import inf

from flask import Blueprint, Response, current_app, flash, redirect, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.access import must_use_two_step
from callback.domain.ids import token_hash
from callback.flows import users
from callback.ports import SecondStep, User
from callback.web import browsers, passwords, sessions, two_step
from callback.web.acting import doer
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.credentials import password_matches
from callback.web.guards import own_account
from callback.web.limits import EXTENSION, Limits, too_often
from callback.web.pages import page

TRIES = "5 per minute; 30 per hour"
"""Of the password and of codes, by whoever is signed in."""
BEGUN = "begun"
BEGUN_S = 600
"""How long somebody may take between their password and the first code of a new app."""


def blueprint() -> Blueprint:
    """`/account`."""
    own = Blueprint("account", __name__, url_prefix="/account")
    own.get("", endpoint="account", strict_slashes=False)(account)
    own.post("/password")(change_password)
    own.post("/sign-out-everywhere")(sign_out_everywhere)
    own.get("/two-step", endpoint="two_step")(two_step_page)
    own.post("/two-step/begin")(begin_two_step)
    own.post("/two-step/confirm")(confirm_two_step)
    own.post("/two-step/codes")(renew_codes)
    own.post("/two-step/off")(turn_off_two_step)
    return own


@own_account
def account() -> str:
    """The page."""
    return _page()


@own_account
def change_password() -> AnyResponse:
    """A new one, for whoever knows the present one; other browsers are signed out."""
    complaint = _wrong_password() or passwords.complaint(request.form, current_user.email)
    if complaint:
        return _refused(password=complaint)
    kept = passwords.hash_of(request.form, current_user.email)
    if users.change_password(house(), current_user.email, kept, session=current_user.session_hash):
        _go_on()
        flash(gettext("Your password was changed. Other browsers are signed out."))
    return redirect(url_for("account.account"), 303)


@own_account
def sign_out_everywhere() -> AnyResponse:
    """In every browser, this one too."""
    users.sign_out_everywhere(house(), doer())
    sessions.end()
    return redirect(url_for("sign_in.get_sign_in"), 303)


# --- two-step sign-in -------------------------------------------------------------------------------------------------


@own_account
def two_step_page() -> str:
    """Where it is set up: what it is, then the picture to scan."""
    return _set_up()


@own_account
def begin_two_step() -> AnyResponse:
    """A new secret, for whoever knows the password; it opens nothing before a code of it was shown."""
    complaint = _wrong_password()
    if complaint:
        return Response(_set_up(password=complaint), 422)
    secret = two_step.new_secret()
    users.begin_two_step(house(), current_user.email, secret)
    session[BEGUN] = {"of": token_hash(secret), "at": house().clock.now().timestamp()}
    return redirect(url_for("account.two_step"), 303)


@own_account
def confirm_two_step() -> AnyResponse:
    """On, once a code shows that the app has the secret; the recovery codes are shown, this once."""
    if too_many := _too_many():
        return Response(_set_up(code=too_many), 429)
    known = _begun_here()
    if known is None:
        return redirect(url_for("account.two_step"), 303)
    code = two_step.digits(request.form.get("code", ""))
    at = two_step.interval(known.pending, code, house().clock.now()) if code else None
    if at is None:
        told = gettext("This code is not right. Check that your phone's clock is, and type the code it shows now.")
        return Response(_set_up(code=told), 422)
    codes = users.confirm_two_step(house(), doer(), known, at, session=current_user.session_hash)
    return redirect(url_for("account.two_step"), 303) if codes is None else _shown(codes, fresh=True)


@own_account
def renew_codes() -> AnyResponse:
    """New recovery codes in place of the old, for whoever knows the password."""
    complaint = _wrong_password()
    if complaint or not current_user.two_step:
        return _refused(codes=complaint)
    return _shown(users.renew_recovery_codes(house(), doer()), fresh=False)


@own_account
def turn_off_two_step() -> AnyResponse:
    """Off, for whoever knows the password and need not have it."""
    complaint = _wrong_password()
    if must_use_two_step(current_user.must, current_user.role):
        complaint = gettext("Everybody with your role has to use it here.")
    if complaint:
        return _refused(off=complaint)
    users.turn_off_two_step(house(), doer())
    flash(gettext("Two-step sign-in is off."))
    return redirect(url_for("account.account"), 303)


# --- pieces -----------------------------------------------------------------------------------------------------------


def _user() -> User | None:
    with house().store.look() as work:
        return work.user(current_user.email)


def _wrong_password() -> str:
    """What is wrong with the field `password` as that of who is signed in; "" where it is theirs."""
    if too_many := _too_many():
        return too_many
    user = _user()
    right = password_matches(user.password_hash if user else None, request.form.get("password", "")[:200])
    return "" if right else gettext("This is not your present password.")


def _too_many() -> str:
    """Counts one more try: whoever sits at somebody else's open page does not get many. "" where it may be made."""
    limits: Limits = current_app.extensions[EXTENSION]
    wait_s = limits.spend(TRIES, "account", current_user.email)
    return too_often(wait_s) if wait_s else ""


def _go_on() -> None:
    """This browser stays signed in: its session carries the mark of the password that was."""
    user = _user()
    if user is not None:
        sessions.begin(user)
        browsers.remember(user)


def _refused(**mistakes: str) -> AnyResponse:
    return Response(_page(mistakes), 422)


def _page(mistakes: dict[str, str] | None = None) -> str:
    with house().store.look() as work:
        user, browsers = work.user(current_user.email), work.session_count(current_user.email)
        codes_left = work.recovery_codes_left(current_user.email)
    return page(
        "account.html",
        user=user,
        browsers=browsers,
        codes_left=codes_left,
        mistakes=mistakes or {},
        must=must_use_two_step(current_user.must, current_user.role),
    )


def _begun_here() -> SecondStep | None:
    """What waits for its first code, where it was begun in this browser a short while ago."""
    begun = session.get(BEGUN) or {}
    if house().clock.now().timestamp() - begun.get("at", -inf) > BEGUN_S:
        return None
    with house().store.look() as work:
        known = work.second_step(current_user.email)
    good = known is not None and known.pending and token_hash(known.pending) == begun["of"]
    return known if good else None


def _set_up(**mistakes: str) -> str:
    known = _begun_here()
    pending = known.pending if known is not None else ""
    return page(
        "account_two_step.html",
        picture=two_step.picture(pending, current_user.email) if pending else "",
        secret=two_step.in_groups(pending),
        mistakes=mistakes,
    )


def _shown(codes: list[str], *, fresh: bool) -> AnyResponse:
    return Response(page("account_codes.html", codes=codes, fresh=fresh), headers={"Cache-Control": "no-store"})
