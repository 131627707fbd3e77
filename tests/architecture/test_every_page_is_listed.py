"""A page that nobody listed is one that nobody looks at: every GET route is in the list of pages, or says what it
is."""

from flask import Flask

from tests.architecture.test_routes_guarded import app
from tests.support.pages import NOT_PAGES, PAGES

__all__ = ["app"]
PARTS = ("_now", "_live", "_csv")


def test_every_get_route_is_a_listed_page_or_known_to_be_none(app: Flask) -> None:
    map_ = app.url_map.bind("callback.test")
    filled = (one.path.replace("{", "").replace("}", "") for one in PAGES)
    listed = {map_.match(path.partition("?")[0])[0] for path in filled}
    routes = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    pages = {one for one in routes if not one.endswith(PARTS) and not one.startswith(("api.", "voice.", "sms."))}
    assert pages - listed - NOT_PAGES.keys() == set(), "add these to tests/support/pages.py"
    assert (NOT_PAGES.keys() | listed) - routes == set(), "these are gone"
