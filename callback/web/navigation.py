"""The sections of the console: their order, who sees them, and where they lead. A section whose page does not exist in
this application is not linked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import Flask, current_app, url_for
from flask_login import current_user

from callback.web.catalogue import gettext
from callback.web.guards import Role, covers


@dataclass(frozen=True)
class Section:
    """A part of the console: the `section` its templates set, its label, its first page, and the least role."""

    name: str
    label: Callable[[], str]
    endpoint: str
    role: Role = Role.VIEWER


@dataclass(frozen=True)
class Link:
    """As it stands in the bar."""

    name: str
    label: str
    href: str


MAIN = (
    Section("queues", lambda: gettext("Queues"), "admin.overview"),
    Section("agents", lambda: gettext("Agents"), "admin.agents"),
    Section("reports", lambda: gettext("Reports"), "admin.reports"),
    Section("wall", lambda: gettext("Wallboard"), "wall.wall"),
)
SETTINGS = (
    Section("users", lambda: gettext("Users"), "admin.users", Role.ADMIN),
    Section("tokens", lambda: gettext("Tokens"), "admin.tokens", Role.ADMIN),
    Section("prompts", lambda: gettext("Prompts"), "admin.prompts", Role.SUPERVISOR),
    Section("acts", lambda: gettext("Audit log"), "admin.acts", Role.ADMIN),
)
"""The tabs of the settings; the section `settings` leads to the first of them that somebody may see."""


def install(app: Flask) -> None:
    """`sections()` and `settings_tabs()` for every template."""
    app.jinja_env.globals.update(sections=sections, settings_tabs=settings_tabs)


def sections() -> list[Link]:
    """What stands in the bar for whoever is signed in. An agent has a desk and no console."""
    if current_user.role == Role.AGENT:
        return []
    tabs = settings_tabs()
    settings = [Link("settings", gettext("Settings"), tabs[0].href)] if tabs else []
    return [*_links(MAIN), *settings]


def settings_tabs() -> list[Link]:
    """The pages of the settings that whoever is signed in may see."""
    return _links(SETTINGS)


def _links(known: Sequence[Section]) -> list[Link]:
    there: Mapping[str, object] = current_app.view_functions
    return [
        Link(one.name, one.label(), url_for(one.endpoint))
        for one in known
        if one.endpoint in there and covers(current_user.role, one.role)
    ]
