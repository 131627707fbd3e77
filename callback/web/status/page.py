"""The page itself, the part of it that changes, and the language it is in."""

from dataclasses import replace
from http import HTTPStatus

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.callback import Callback
from callback.domain.lifecycle import ENDS
from callback.flows.wishes import TooLate, movable
from callback.web import languages
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.guards import public
from callback.web.status import glances
from callback.web.status.found import LINK, Found, act, find, nobody


@public(LINK)
def show(token: str) -> Response:
    """The whole page."""
    found = find(token)
    if found is None:
        return nobody()
    did = request.args.get("did", "")
    ended = found.callback.state in ENDS
    return found.page("status.html", notice=notices().get(did), ended=ended, etag=glances.tag(found))


@public(LINK)
def fragment(token: str) -> AnyResponse:
    """The part that changes; 304 while it has not, before anything is laid out."""
    found = find(token)
    if found is None:
        return nobody()
    shown = {glances.words_of(tag) for tag in request.if_none_match.as_set(include_weak=True)}
    tag = glances.tag(found)
    answer = Response(status=HTTPStatus.NOT_MODIFIED) if found.etag in shown else _part(found, tag)
    answer.set_etag(tag)
    answer.headers["Updated"] = languages.updated(found.now)
    return answer


@public(LINK)
def post_language(token: str) -> AnyResponse:
    """The other language, kept for the callback: its texts and its call are in it, too."""
    return act(token, "language", "status.show", _speak)


def notices() -> dict[str, str]:
    """What the page says after something was asked for, by the word in its address."""
    return {
        "later": gettext("Done. We have moved your callback."),
        "ready": gettext("Done. We ring you as soon as it is your turn."),
        "number": gettext("Done. We ring the new number from now on."),
        "too_late": gettext("That came too late: nothing was changed. This is how things stand."),
        "not_me": gettext("Done. We will not ring this number again."),
        "rated": gettext("Thank you for telling us."),
    }


def _part(found: Found, tag: str) -> Response:
    return Response(render_template("status_now.html", **found.values(), partial=True, etag=tag))


def _speak(found: Found) -> AnyResponse:
    wanted = request.form.get("language", "")
    if wanted not in languages.LANGUAGES:
        return found.to("status.show")
    kept = wanted in found.queue.policy.languages and _keep(found.callback, wanted)
    address = url_for("status.show", token=found.token, lang=None if kept else wanted)
    return redirect(address, HTTPStatus.SEE_OTHER)


def _keep(callback: Callback, language: str) -> bool:
    """Whether it could be kept: of what is over, or being dialled, the page alone changes."""
    try:
        with house().store.begin() as work:
            fresh = movable(work, callback.id)
            if fresh.language != language:
                work.save(replace(fresh, language=language))
    except TooLate:
        return False
    return True
