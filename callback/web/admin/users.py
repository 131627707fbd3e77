"""Who may sign in: invited, given a role and a desk, shut out and let in again; and who must use two-step sign-in.

Links to set a password are shown here once and sent to nobody by us: whoever invites knows how to reach whom they
invite.
"""

from collections.abc import Mapping
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.access import ROLES, LastAdministrator, WhoMust
from callback.domain.acts import What
from callback.domain.errors import InvalidInput, NameTaken, NotFound
from callback.domain.ids import AgentKey
from callback.flows import users as flow
from callback.flows.users import Invitation, Known
from callback.web.acting import doer
from callback.web.catalogue import gettext
from callback.web.context import house, options
from callback.web.guards import Role, signed_in
from callback.web.pages import page

Answer = AnyResponse | tuple[str, int] | tuple[str, int, dict[str, str]]


def routes(console: Blueprint) -> None:
    """Adds this part to the console. An address may have a slash in it."""
    console.get("/users")(users)
    console.post("/users")(invite)
    console.post("/users/two-step")(require_two_step)
    console.get("/users/<path:email>")(user)
    console.post("/users/<path:email>")(change_user)
    console.post("/users/<path:email>/disable")(disable_user)
    console.post("/users/<path:email>/enable")(enable_user)
    console.post("/users/<path:email>/password")(reset_password)
    console.post("/users/<path:email>/reset-two-step")(reset_two_step)


@signed_in(Role.ADMIN)
def users() -> str:
    """The list, and the forms below it."""
    return _list({})


@signed_in(Role.ADMIN)
def invite() -> Answer:
    """Somebody new; the answer shows their link, this once."""
    form = request.form
    try:
        email = _address(form.get("email", ""))
        made = flow.invite(house(), doer(), email, role=form.get("role", ""), agent=_agent(form))
    except InvalidInput as wrong:
        return _list(form, {wrong.field: _said(wrong)}), 422
    return _list({}, made=made), 201, {"Cache-Control": "no-store"}


@signed_in(Role.ADMIN)
def require_two_step() -> AnyResponse:
    """Who must use it. Raises InvalidInput."""
    said = request.form.get("must", "")
    if said not in list(WhoMust):
        raise InvalidInput("must", f"must be one of {', '.join(WhoMust)}")
    flow.require_two_step(house(), doer(), WhoMust(said))
    flash(gettext("Saved."))
    return redirect(url_for("admin.users"), 303)


@signed_in(Role.ADMIN)
def user(email: str) -> str:
    """One of them. Raises NotFound."""
    return _one(email)


@signed_in(Role.ADMIN)
def change_user(email: str) -> Answer:
    """Their role and desk. Raises NotFound."""
    stands = _known(email).user
    form = {"role": stands.role, "agent": stands.agent or "", **request.form}
    try:
        flow.change(house(), doer(), email, role=form["role"], agent=_agent(form))
    except InvalidInput as wrong:
        return _one(email, form=form, mistakes={wrong.field: _said(wrong)}), 422
    except LastAdministrator:
        return _last(email)
    flash(gettext("%(email)s was saved.", email=email))
    return redirect(url_for("admin.users"), 303)


@signed_in(Role.ADMIN)
def disable_user(email: str) -> Answer:
    """Out at once, in every browser. Raises NotFound."""
    try:
        flow.disable(house(), doer(), email)
    except LastAdministrator:
        return _last(email)
    flash(gettext("%(email)s cannot sign in any more.", email=email))
    return redirect(url_for("admin.users"), 303)


@signed_in(Role.ADMIN)
def enable_user(email: str) -> AnyResponse:
    """In again. Raises NotFound."""
    flow.enable(house(), doer(), email)
    flash(gettext("%(email)s may sign in again.", email=email))
    return redirect(url_for("admin.user", email=email), 303)


@signed_in(Role.ADMIN)
def reset_password(email: str) -> Answer:
    """A new link, shown this once; the old password is worth nothing. Raises NotFound."""
    if _own(email):
        return _one(email, complaint=gettext("Change your own password on the page of your account.")), 409
    try:
        made = flow.reset_password(house(), doer(), email)
    except LastAdministrator:
        return _last(email)
    except InvalidInput:
        return _one(email, complaint=gettext("Let them sign in again first.")), 409
    return _one(email, made=made), 201, {"Cache-Control": "no-store"}


@signed_in(Role.ADMIN)
def reset_two_step(email: str) -> Answer:
    """For whoever lost their phone and their recovery codes. Raises NotFound."""
    if _own(email):
        return _one(email, complaint=gettext("Change your own two-step sign-in on the page of your account.")), 409
    flow.reset_two_step(house(), doer(), email)
    flash(gettext("%(email)s signs in with the password alone, until they set up two-step sign-in again.", email=email))
    return redirect(url_for("admin.user", email=email), 303)


# --- pieces -----------------------------------------------------------------------------------------------------------


def _list(form: Mapping[str, str], mistakes: Mapping[str, str] | None = None, *, made: Invitation | None = None) -> str:
    with house().store.look() as work:
        rule, agents = work.two_step_rule(), work.agents()
    return page(
        "admin/users.html",
        users=flow.everybody(house()),
        rule=rule,
        rules=[(str(one), _rule_said(one)) for one in WhoMust],
        roles=ROLES,
        agents=agents,
        names={agent.key: agent.name for agent in agents},
        form=form,
        mistakes=mistakes or {},
        invitation=made,
        link=_link_of(made),
    )


def _one(email: str, *, made: Invitation | None = None, complaint: str = "", **more: Any) -> str:
    known = _known(email)
    form = more.get("form") or {"role": known.user.role, "agent": known.user.agent or ""}
    with house().store.look() as work:
        agents, browsers, still = work.agents(), work.session_count(email), {one.name for one in work.tokens()}
        made_by = [act.subject for act in work.acts(by=email, what=What.TOKEN_SAVE, limit=500)]
    return page(
        "admin/user.html",
        known=known,
        own=_own(email),
        roles=ROLES,
        agents=agents,
        form=form,
        mistakes=more.get("mistakes", {}),
        complaint=complaint,
        browsers=browsers,
        tokens=sorted(still & set(made_by)),
        invitation=made,
        link=_link_of(made),
    )


def _last(email: str) -> Answer:
    told = gettext("This is the last administrator who can sign in. Make somebody else an administrator first.")
    return _one(email, complaint=told), 409


def _known(email: str) -> Known:
    found = next((one for one in flow.everybody(house()) if one.user.email == email), None)
    if found is None:
        raise NotFound(f"there is no user {email}")
    return found


def _own(email: str) -> bool:
    return bool(email == current_user.email)


def _link_of(made: Invitation | None) -> str:
    return "" if made is None else options().public_base_url + url_for("welcome.welcome", token=made.token)


def _agent(form: Mapping[str, str]) -> AgentKey | None:
    key = form.get("agent", "")
    return AgentKey(key) if key else None


def _address(said: str) -> str:
    try:
        checked = validate_email(said.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        raise InvalidInput("email", "is no email address") from None
    return checked.normalized.lower()


def _said(wrong: InvalidInput) -> str:
    if wrong.field == "agent":
        return gettext("Choose whose desk it is.")
    if wrong.field == "role":
        return gettext("Choose a role.")
    if isinstance(wrong, NameTaken):
        return gettext("There is a user with this address already.")
    return gettext("Give an email address such as ann@example.com.")


def _rule_said(rule: WhoMust) -> str:
    match rule:
        case WhoMust.NOBODY:
            return gettext("Nobody has to")
        case WhoMust.ADMINS:
            return gettext("Administrators")
        case WhoMust.EVERYONE:
            return gettext("Everybody")
