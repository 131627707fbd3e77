"""Queues added by hand, and their names and numbers changed: what is done once, by whoever runs the house."""

import re
from collections.abc import Mapping

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.errors import InvalidInput, NameTaken
from callback.domain.ids import QueueKey
from callback.domain.policy import Queue
from callback.flows import configure
from callback.web.acting import doer
from callback.web.catalogue import gettext
from callback.web.context import house, recorded_queue
from callback.web.guards import Role, signed_in
from callback.web.pages import page

KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
NEW = "new"
"""No queue may be called so: it is the address of this page."""


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/queues/new")(add_queue)
    console.post("/queues/new")(put_new_queue)
    console.get("/queues/<key>/edit")(edit_queue)
    console.post("/queues/<key>/edit")(put_known_queue)


@signed_in(Role.ADMIN)
def add_queue() -> str:
    """The form of a new queue."""
    return _page(None, {}, {})


@signed_in(Role.ADMIN)
def put_new_queue() -> AnyResponse | tuple[str, int]:
    """Make it, with the defaults; or the form again with what to mend."""
    key = request.form.get("key", "").strip().lower()
    mistakes = wrong_key(key) or _save(key, new=True)
    if mistakes:
        return _page(None, request.form, mistakes), 422
    return redirect(url_for("admin.hours", key=key), 303)


@signed_in(Role.ADMIN)
def edit_queue(key: str) -> str:
    """The form of a queue that is there."""
    queue = recorded_queue(key)
    return _page(queue, {"name": queue.name, "numbers": ", ".join(queue.numbers)}, {})


@signed_in(Role.ADMIN)
def put_known_queue(key: str) -> AnyResponse | tuple[str, int]:
    """Change its name and numbers; its policy stays."""
    queue = recorded_queue(key)
    mistakes = _save(key)
    if mistakes:
        return _page(queue, request.form, mistakes), 422
    return redirect(url_for("admin.queue", key=key), 303)


def wrong_key(key: str) -> dict[str, str]:
    """What is wrong with the key of a new queue, by field; nothing where it may be used."""
    if not KEY.fullmatch(key) or key == NEW:
        return {"key": gettext("Use small letters, digits, - and _, such as support.")}
    with house().store.look() as work:
        known = any(queue.key == key for queue in work.queues())
    return taken() if known else {}


def taken() -> dict[str, str]:
    """What is wrong with the key of a queue that there is."""
    return {"key": gettext("There is such a queue already.")}


def _save(key: str, *, new: bool = False) -> dict[str, str]:
    name = request.form.get("name", "").strip()[:100]
    if not name:
        return {"name": gettext("Give it a name.")}
    numbers = _numbers(request.form["numbers"]) if "numbers" in request.form else None
    try:
        configure.put_queue(house(), QueueKey(key), name=name, numbers=numbers, by=doer().by, role=doer().role, new=new)
    except NameTaken:
        return taken()
    except InvalidInput as refused:
        return {"numbers": str(refused)}
    flash(gettext("%(queue)s was saved.", queue=name))
    return {}


def _numbers(typed: str) -> tuple[str, ...]:
    return tuple("".join(number.split()) for number in typed.replace("，", ",").split(",") if number.strip())


def _page(queue: Queue | None, form: Mapping[str, str], mistakes: Mapping[str, str]) -> str:
    return page("admin/queue_edit.html", known=queue, form=form, mistakes=mistakes)
