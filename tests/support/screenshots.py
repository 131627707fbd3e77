"""`python -m tests.support.screenshots FOLDER`: every page at four widths, light and dark, in both languages, and a
contact sheet of them all, `index.html`. People look at it before a release; so does whoever changes a style sheet."""

import html
import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import click
import structlog
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.chromium import FLAGS, chromium_path
from tests.support.clock import ManualClock
from tests.support.pages import PAGES, SCANNING, Shown, address
from tests.support.ports import free_port
from tests.support.redis_server import RedisServer, valkey_binary
from tests.support.staged import Staged, stage
from tests.support.web_house import PASSWORD, WebHouse, form_token, signed_in

WIDTHS = (320, 390, 768, 1440)
HEIGHT = 900
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
LOCALES = {"en": "en-US", "zh": "zh-CN"}
SETTLED_MS = 250
"""Charts are drawn and fonts are there."""


@contextmanager
def staged_house(redis_url: str) -> Iterator[Staged]:
    """A house full of people, served."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="screens-") as folder:
        web = WebHouse(redis_url, f"sqlite:///{folder}/record.sqlite3", ManualClock(), f"http://127.0.0.1:{port}")
        staged = stage(web)
        try:
            with web.serving(port):
                yield staged
        finally:
            web.close()


class Visitor:
    """A browser's window of one theme and language, in which each page is looked at as whoever it is for."""

    def __init__(self, browser: Browser, staged: Staged, theme: Theme, language: str) -> None:
        self._staged, self._language = staged, language
        self._sessions: dict[tuple[str, str | None], str] = {("", None): ""}
        self._who: tuple[str, str | None] = ("", None)
        self.base = staged.web.options.public_base_url
        self.status = 0  # of the page that was seen last
        self.led_to = ""  # where it was found, if not where it was looked for
        self.window = browser.new_context(
            color_scheme=theme, locale=LOCALES[language], reduced_motion="reduce"
        ).new_page()

    def see(self, shown: Shown, width: int = WIDTHS[-1]) -> Page:
        """The page, loaded."""
        self._be(shown)
        self.window.set_viewport_size({"width": width, "height": HEIGHT})
        spoken = f"?lang={self._language}" if shown.caller else ""  # else that of the call
        answer = self.window.goto(self.base + address(shown, self._staged) + spoken, wait_until="load")
        self.status = answer.status if answer else 0
        found, wanted = urlsplit(self.window.url).path, urlsplit(self.base + address(shown, self._staged)).path
        self.led_to = found if found != wanted else ""
        return self.window

    def _be(self, shown: Shown) -> None:
        """Whoever the page is for: signed in once, beside the browser, whose window only takes the session over."""
        who, web, context = (shown.role, shown.agent), self._staged.web, self.window.context
        if who == self._who:
            return
        if who not in self._sessions:
            self._sessions[who] = self._signed_in(shown)
        self.window.goto("about:blank")  # the last page asks for nothing as somebody else
        self._who = who
        context.clear_cookies()
        if session := self._sessions[who]:
            context.add_cookies([{"name": web.app.config["SESSION_COOKIE_NAME"], "value": session, "url": self.base}])

    def _signed_in(self, shown: Shown) -> str:
        client = signed_in(self._staged.web, shown.role, shown.agent, f"{shown.agent or shown.role}@example.com")
        if shown.agent == SCANNING:
            token = form_token(client.get("/account/two-step"))
            begun = client.post("/account/two-step/begin", data={"csrf_token": token, "password": PASSWORD})
            assert begun.status_code == 303, begun.get_data(as_text=True)
        cookie: str = client.get_cookie(self._staged.web.app.config["SESSION_COOKIE_NAME"]).value
        return cookie

    def close(self) -> None:
        """Closes the window."""
        self.window.context.close()


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--only", multiple=True, help="Only pages whose names begin so (repeatable).")
@click.option("--width", "widths", type=int, multiple=True, default=WIDTHS)
@click.option("--theme", "themes", type=click.Choice(THEMES), multiple=True, default=THEMES)
@click.option("--language", "languages", type=click.Choice(list(LOCALES)), multiple=True, default=tuple(LOCALES))
def main(
    folder: Path, only: Sequence[str], widths: Sequence[int], themes: Sequence[Theme], languages: Sequence[str]
) -> None:
    """Photograph every page into FOLDER."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    pages = [one for one in PAGES if not only or one.name.startswith(tuple(only))]
    folder.mkdir(parents=True, exist_ok=True)
    server = RedisServer(valkey_binary()).start()
    try:
        with staged_house(server.url) as staged, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
            with click.progressbar(list(product(themes, languages)), label="screenshots") as ways:
                for theme, language in ways:
                    photograph(Visitor(browser, staged, theme, language), pages, folder, f"{theme}-{language}", widths)
            browser.close()
    finally:
        server.close()
    sheet = folder / "index.html"
    sheet.write_text(contact_sheet(pages, [f"{t}-{lang}" for t, lang in product(themes, languages)], widths))
    click.echo(sheet)


def photograph(visitor: Visitor, pages: Sequence[Shown], folder: Path, way: str, widths: Sequence[int]) -> None:
    """Each page at each width, loaded once."""
    for shown in pages:
        page = visitor.see(shown, widths[-1])
        for width in widths:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            page.wait_for_timeout(SETTLED_MS)
            page.screenshot(path=folder / f"{shown.name}-{width}-{way}.png", full_page=True)
    visitor.close()


def contact_sheet(pages: Sequence[Shown], ways: Sequence[str], widths: Sequence[int]) -> str:
    """All of them, small, each leading to itself."""
    rows = []
    for shown in pages:
        names = [f"{shown.name}-{width}-{way}.png" for way, width in product(ways, widths)]
        shots = "".join(f'<a href="{name}"><img src="{name}" alt="{name}" loading="lazy"></a>' for name in names)
        rows.append(f"<h2>{html.escape(shown.name)} <code>{html.escape(shown.path)}</code></h2><div>{shots}</div>")
    style = "body{font:16px system-ui;margin:2rem;background:#ddd}div{display:flex;gap:8px;overflow-x:auto}"
    style += "img{height:360px;background:#fff;border:1px solid #999}"
    return f"<!doctype html><meta charset=utf-8><title>Every page</title><style>{style}</style>{''.join(rows)}\n"


if __name__ == "__main__":
    main()
