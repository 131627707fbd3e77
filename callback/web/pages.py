"""What the pages of people who sign in have in common: the present moment, the zone, and where a form leads back to."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, redirect, render_template, request, session, url_for
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.policy import Queue
from callback.web import languages, reasons
from callback.web.armour import same_origin
from callback.web.context import house, options
from callback.web.guards import Role, covers, public
from callback.web.words import offer_sentence, outcome, word

THEMES = ("light", "dark")


def install(app: Flask) -> None:
    """What every page of theirs may use: `csrf()`, `may(role)`, `set_aside()`, and the product's words."""
    app.jinja_env.globals.update(csrf=_csrf, may=_may, set_aside=_set_aside)
    app.context_processor(lambda: {"theme": theme()})
    app.jinja_env.filters.update(word=word, outcome=outcome, reason=reasons.said, offer_sentence=offer_sentence)


def blueprint() -> Blueprint:
    """The choice of a language and of light or dark, for whoever is signed in anywhere."""
    choice = Blueprint("languages", __name__)
    choice.post("/language/<code>", endpoint="choose")(choose_language)
    choice.post("/theme")(choose_theme)
    return choice


@public("a preference, kept in the session of whoever asks; the form's token is checked")
def choose_language(code: str) -> AnyResponse:
    """Keep this language for the session."""
    if code in languages.LANGUAGES:
        session["language"] = code
    return back("sign_in.get_sign_in")


@public("a preference, kept in the session of whoever asks; the form's token is checked")
def choose_theme() -> AnyResponse:
    """Light, dark, or as the system is."""
    wanted = request.form.get("theme", "")
    if wanted in THEMES:
        session["theme"] = wanted
    else:
        session.pop("theme", None)
    return back("sign_in.get_sign_in")


def theme() -> str:
    """What was chosen, "" for as the system is: the page is made so, and does not change its colours while it loads."""
    chosen = session.get("theme", "") if session else ""
    return chosen if chosen in THEMES else ""


def in_house_zone(queue: Queue | None = None) -> None:
    """Read and write times in the zone that a page about `queue` has, or one about the whole house."""
    languages.in_zone(_zone(queue))


def page(template: str, *, queue: Queue | None = None, **values: Any) -> str:
    """A whole page, with times in the zone of `queue` where one is given, else in that which was set for this answer
    (an agent's, a caller's), else of the first queue that has one."""
    if queue is not None or not languages.zone_known():
        in_house_zone(queue)
    return render_template(template, queue=queue, now=house().clock.now(), zone=str(languages.zone()), **values)


def fragment(template: str, *, queue: Queue | None = None, **values: Any) -> Response:
    """A part of a page that refreshes itself; tells the time of the news."""
    answer = Response(page(template, queue=queue, **values))
    answer.headers["Updated"] = languages.updated(house().clock.now())
    return answer


def back(endpoint: str, **values: Any) -> AnyResponse:
    """To the page the form was on, when that is one of ours, else to `endpoint`."""
    came_from = urlsplit(request.referrer or "")
    local = came_from.path + (f"?{came_from.query}" if came_from.query else "")
    ours = same_origin(request.referrer or "", request.host_url) or same_origin(
        request.referrer or "", options().public_base_url
    )
    inside = ours and local.startswith(("/account", "/admin", "/agent", "/wall"))
    return redirect(local if inside else url_for(endpoint, **values), 303)


def _csrf() -> Markup:
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())


def _may(role: str) -> bool:
    return bool(current_user.is_authenticated) and covers(current_user.role, Role(role))


def _set_aside() -> int:
    """How much is set aside: for the link on every page. 0 while the record is away, which the banner says."""
    with suppress(ConnectionError), house().store.look() as work:
        return work.held_count()
    return 0


def _zone(queue: Queue | None) -> str | None:
    if queue is not None:
        return languages.queue_zone(queue)
    with house().store.look() as work:
        return languages.first_zone(work.queues())
