"""The page behind a welcome link: whoever was invited, or lost their password, sets one, once.

Looking at the page changes nothing, since previews of messages open links too. A link that is unknown, used, replaced
or too old is answered alike: nobody learns from it who has an account.
"""

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from callback.flows import users
from callback.web import browsers, passwords, sessions
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.guards import public


def blueprint() -> Blueprint:
    """`/welcome/TOKEN`."""
    door = Blueprint("welcome", __name__, url_prefix="/welcome")
    door.get("/<token>")(welcome)
    door.post("/<token>")(set_password)
    return door


@public("the link is the proof; looking changes nothing")
def welcome(token: str) -> AnyResponse:
    """The form, for whoever has a link that is good."""
    link = users.invited(house(), token)
    return _gone() if link is None else _form(link.email)


@public("the link is the proof, and the form's token is checked")
def set_password(token: str) -> AnyResponse:
    """Sets it; the link is used up, and whoever was signed in at this browser is not any more."""
    link = users.invited(house(), token)
    if link is None:
        return _gone()
    complaint = passwords.complaint(request.form, link.email)
    if complaint:
        return _form(link.email, complaint)
    if users.accept(house(), token, passwords.hash_of(request.form, link.email)) is None:
        return _gone()
    sessions.end()
    _known(link.email)
    flash(gettext("Your password is set. Sign in with it."))
    return redirect(url_for("sign_in.get_sign_in"), 303)


def _known(email: str) -> None:
    """Whoever has a good link is not kept out by those who guess."""
    with house().store.look() as work:
        user = work.user(email)
    if user is not None:
        browsers.remember(user)


def _form(email: str, complaint: str = "") -> AnyResponse:
    return Response(render_template("welcome.html", email=email, complaint=complaint), 422 if complaint else 200)


def _gone() -> AnyResponse:
    return Response(render_template("welcome.html", email="", complaint=""), 404)
