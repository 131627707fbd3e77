"""Which programs, and which screens on walls, may ask: their tokens, made here and shown once, and taken back."""

from datetime import datetime

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.acts import What
from callback.domain.ids import token_hash
from callback.ports import ApiToken
from callback.web.acting import record
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.credentials import new_token
from callback.web.guards import Role, signed_in
from callback.web.pages import page

NAME_MOST = 64
Answer = tuple[str, int, dict[str, str]]


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/tokens")(tokens)
    console.post("/tokens")(add_token)
    console.post("/tokens/revoke")(revoke_token)


@signed_in(Role.ADMIN)
def tokens() -> str:
    """The page."""
    return _page()


@signed_in(Role.ADMIN)
def add_token() -> Answer:
    """A new token, in the answer alone: nobody can read it afterwards, and no browser keeps the page."""
    name, role = request.form.get("name", "").strip()[:NAME_MOST], request.form.get("role", "")
    if not name.isprintable() or not name or role not in list(Role):
        return _page(mistake=gettext("Give the token a name and a role.")), 422, {}
    with house().store.look() as work:
        agent = next((one.key for one in work.agents() if one.key == request.form.get("agent")), None)
    if agent is not None and role != Role.AGENT:
        return _page(mistake=gettext("Only a token of the role agent has an agent.")), 422, {}
    made = new_token()
    with house().store.begin() as work:
        added = work.add_token(ApiToken(name, role, token_hash(made), agent))
        if added:
            record(work, What.TOKEN_SAVE, name, after={"role": role} | ({"agent": agent} if agent else {}))
    if not added:
        return _page(mistake=gettext("There is a token of this name already.")), 422, {}
    return _page(made=made, name=name), 201, {"Cache-Control": "no-store"}


@signed_in(Role.ADMIN)
def revoke_token() -> AnyResponse:
    """From this moment it opens nothing. Raises NotFound."""
    name = request.form.get("name", "")
    with house().store.begin() as work:
        role = next((one.role for one in work.tokens() if one.name == name), "")
        work.drop_token(name)
        record(work, What.TOKEN_REVOKE, name, before={"role": role})
    flash(gettext("The token %(name)s opens nothing any more.", name=name))
    return redirect(url_for("admin.tokens"), 303)


def _page(*, made: str = "", name: str = "", mistake: str = "") -> str:
    with house().store.look() as work:
        known, agents = work.tokens(), work.agents()
        since: dict[str, datetime] = {}
        for act in work.acts(what=What.TOKEN_SAVE, limit=500):
            since.setdefault(act.subject, act.at)
    return page(
        "admin/tokens.html", tokens=known, since=since, roles=list(Role), made=made, name=name, mistake=mistake,
        name_most=NAME_MOST, agents=agents, names={one.key: one.name for one in agents},
    )  # fmt: skip
