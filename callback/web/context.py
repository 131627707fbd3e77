"""How a view reaches the house: it hangs on the application, which `create_app` was given it for."""

from typing import cast

from flask import current_app

from callback.ports import House
from callback.web.options import WebOptions

HOUSE = "callback.house"
OPTIONS = "callback.options"


def house() -> House:
    """The house of the running application."""
    return cast(House, current_app.extensions[HOUSE])


def options() -> WebOptions:
    """What the running application was told about its place in the world."""
    return cast(WebOptions, current_app.extensions[OPTIONS])
