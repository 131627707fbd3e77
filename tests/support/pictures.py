"""`python -m tests.support.pictures [FOLDER]`: the pictures of the documents, made anew from the pages as they are now.

Each shows a page of the staged house in a window, some with a caller's phone before it. They are drawn by the browser
that took them, so that nothing else is needed; run it after a change of the pages (`make pictures`).
"""

import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import click
import structlog
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.chromium import FLAGS, chromium_path
from tests.support.pages import PAGES
from tests.support.redis_server import RedisServer, valkey_binary
from tests.support.screenshots import SETTLED_MS, Visitor, staged_house

FOLDER = Path(__file__).parents[2] / "docs" / "images"
PHONE = (390, 780)
BYTES_MOST = 400_000
"""Of a picture: documents are read on slow networks too."""

_STYLE = """
body { margin: 0; width: max-content; }
figure { position: relative; margin: 0; padding: 56px 64px; overflow: hidden;
  background: linear-gradient(135deg, #dcebe8, #eef2f6 60%, #f5efe6); }
.window { display: block; border-radius: 12px; box-shadow: 0 1px 0 #fff inset, 0 24px 60px rgb(16 24 32 / 22%); }
.phone { position: absolute; right: 32px; bottom: 0; width: 312px; border: 9px solid #17212b; border-bottom: 0;
  border-radius: 40px 40px 0 0; box-shadow: 0 24px 60px rgb(16 24 32 / 32%); }
.beside { padding-right: 260px; }
"""


@dataclass(frozen=True)
class Picture:
    """A file's name, the page in its window with the window's size, and the page on the phone ("" without one)."""

    name: str
    page: str
    width: int = 1280
    height: int = 820
    phone: str = ""
    asked: str = ""  # what the address asks for


PICTURES = (
    Picture("pages", "line", phone="caller-waiting", asked="?show=callbacks"),
    Picture("rehearsal", "preview", height=900),
    Picture("desk", "desk-talking", height=860),
    Picture("reports", "reports", height=900),
    Picture("wallboard", "wall", 1440, 860, asked="?queue=support"),
)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=FOLDER)
@click.option(
    "--only", multiple=True, type=click.Choice([one.name for one in PICTURES]), help="Only these (repeatable)."
)
def main(folder: Path, only: tuple[str, ...]) -> None:
    """Make the pictures of the documents in FOLDER."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    server = RedisServer(valkey_binary()).start()
    try:
        with staged_house(server.url) as staged, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
            visitor = Visitor(browser, staged, "light", "en")
            for picture in PICTURES:
                if not only or picture.name in only:
                    click.echo(draw(browser, visitor.see, picture, folder))
            visitor.close()
            browser.close()
    finally:
        server.close()


def draw(browser: Browser, see: Callable[..., Page], picture: Picture, folder: Path) -> Path:
    """One picture, written into the folder."""
    window = taken(see, picture.page, picture.width, picture.height, picture.asked)
    phone = taken(see, picture.phone, *PHONE) if picture.phone else b""
    context = browser.new_context()
    page = context.new_page()
    page.set_content(composed(window, phone), wait_until="load")
    path = folder / f"{picture.name}.png"
    page.locator("figure").screenshot(path=path)
    context.close()
    if path.stat().st_size > BYTES_MOST:
        raise click.ClickException(f"{path} has {path.stat().st_size:,} bytes, above {BYTES_MOST:,}")
    return path


def taken(see: Callable[..., Page], name: str, width: int, height: int, asked: str = "") -> bytes:
    """What a window of this size shows of the page."""
    shown = next(one for one in PAGES if one.name == name)
    page = see(replace(shown, path=shown.path + asked), width)
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(SETTLED_MS)
    return page.screenshot()


def composed(window: bytes, phone: bytes) -> str:
    """The picture as a page."""
    before = f'<img class="phone" src="{_inline(phone)}" alt="">' if phone else ""
    beside = ' class="beside"' if phone else ""
    shown = f'<img class="window" src="{_inline(window)}" alt="">{before}'
    return f"<!doctype html><style>{_STYLE}</style><figure{beside}>{shown}</figure>"


def _inline(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


if __name__ == "__main__":
    main()
