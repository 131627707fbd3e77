"""The wallboard: of each queue at most six numbers beside what they are judged by, and how they moved, readable from
across a room. It is told what changes, goes from queue to queue by itself, and stays up for weeks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.ids import QueueKey
from callback.flows import wall as boards
from callback.flows.look import QueueNow
from callback.flows.wall import Board, Past, Pasts
from callback.web import languages, wall_pass
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.figures import Figure, Kind, Series, Unit
from callback.web.hub import Glance, Topic
from callback.web.languages import duration
from callback.web.live import Part, stream
from callback.web.pages import fragment, page
from callback.web.wall_pass import watching

REFRESH_S = 2
TURN_S = 20
"""How long a queue is shown before the next one is."""
TABLE_EVERY = 10
"""Minutes between the rows of a curve's table."""
PASTS = "callback.pasts"


def blueprint() -> Blueprint:
    """`/wall`."""
    board = Blueprint("wall", __name__, url_prefix="/wall")
    board.get("", strict_slashes=False)(wall)
    board.get("/now")(wall_now)
    board.get("/live")(wall_live)
    board.record(lambda state: state.app.extensions.setdefault(PASTS, Pasts()))
    return board


@dataclass(frozen=True)
class Tile:
    """One number with what it is judged by. `state` is "", good or over; `says` is that in words, for the ear."""

    label: str
    value: str
    about: str = ""
    state: str = ""


@watching
def wall() -> str:
    """The page. `?queue=KEY` (repeatable) chooses, `?view=all` shows all of them at once, small."""
    return page(
        "wall.html", refresh_s=REFRESH_S, turn_s=TURN_S, kiosk=wall_pass.by_pass(), whole=True, **_shown(_now())
    )


@watching
def wall_now() -> AnyResponse:
    """The part that changes, with the curves, for a page that cannot listen."""
    shown = _shown(_now())
    return fragment("wall_now.html", **shown, data=_data(shown["boards"]))


@watching
def wall_live() -> AnyResponse:
    """The same, told as it changes: one look for all wallboards of this process."""
    _in_the_houses_zone()
    chosen, pasts = tuple(sorted(set(request.args.getlist("queue")))), _pasts()
    still = wall_pass.still_good() if wall_pass.by_pass() else None
    topic = Topic(f"wall {' '.join(chosen)}", lambda glance: _chosen(_all(glance, pasts), chosen))
    return stream(topic, _part, fresh_s=REFRESH_S, still=still)


# --- looking ----------------------------------------------------------------------------------------------------


def _now() -> Sequence[Board]:
    return _chosen(_all(Glance(house()), _pasts()), request.args.getlist("queue"))


def _all(glance: Glance, pasts: Pasts) -> Sequence[Board]:
    return glance.once("boards", lambda: boards.boards(glance.house, pasts, _zone))


def _chosen(found: Sequence[Board], keys: Sequence[str]) -> Sequence[Board]:
    """Those that were asked for; all where none of them is there."""
    return [one for one in found if QueueKey(one.key) in keys] or found


def _zone(now: QueueNow) -> ZoneInfo:
    return ZoneInfo(languages.queue_zone(now.queue) or "UTC")


def _in_the_houses_zone() -> None:
    """As the page itself: that of the first queue that has one."""
    languages.in_zone(languages.first_zone(house().line.configuration()[1]))


def _pasts() -> Pasts:
    """What this process has counted of the record."""
    found: Pasts = current_app.extensions[PASTS]
    return found


# --- showing ----------------------------------------------------------------------------------------------------


def _part(found: Sequence[Board]) -> Part:
    html = render_template("wall_now.html", **_shown(found))
    return Part(html, _data(found), mark=tuple(one.past.at for one in found if one.past))


def _shown(found: Sequence[Board]) -> dict[str, Any]:
    return {"boards": found, "tiles": tiles, "figures": figures}


def _data(found: Sequence[Board]) -> dict[str, Any]:
    """By the id of its figure, what each is drawn from."""
    return {name: figure.as_json() for one in found for name, figure in figures(one).items()}


def tiles(one: Board) -> list[Tile]:
    """The six numbers of a queue."""
    kept = one.kept_share
    return [
        Tile(
            gettext("Wait now"),
            duration(one.wait_s),
            gettext("offer at %(limit)s", limit=duration(one.wait_limit_s)) if one.wait_limit_s is not None else "",
            _over(one.wait_s, one.wait_limit_s),
        ),
        Tile(gettext("Longest waiting"), duration(one.first_waits_s) if one.first_waits_s is not None else "–"),
        Tile(
            gettext("On the line"),
            str(one.live),
            gettext("offer at %(limit)s in line", limit=one.waiting_limit) if one.waiting_limit is not None else "",
            _over(one.waiting, one.waiting_limit),
        ),
        Tile(
            gettext("Callbacks waiting"),
            str(one.callbacks),
            gettext("at most %(limit)s", limit=one.callbacks_limit) if one.callbacks_limit is not None else "",
            _over(one.callbacks, one.callbacks_limit),
        ),
        Tile(
            gettext("Free agents"),
            str(one.free),
            gettext("of %(count)s staffed, %(talking)s on a call", count=one.staffed, talking=one.talking),
            "" if one.staffed else "over",
        ),
        Tile(
            gettext("Promises kept today"),
            gettext("%(share)s%%", share=round(kept * 100)) if kept is not None else "–",
            gettext("target %(share)s%%", share=round(boards.KEPT_TARGET * 100)),
            "" if kept is None else "good" if kept >= boards.KEPT_TARGET else "over",
        ),
    ]


def _over(value: float | None, limit: float | None) -> str:
    return "over" if value is not None and limit is not None and value >= limit else ""


def figures(one: Board) -> dict[str, Figure]:
    """The curves of a queue, by the ids of their figures: none before the record could be read."""
    if one.past is None:
        return {}
    return {f"moved-{one.key}": _moved(one, one.past), f"waits-{one.key}": _waits(one.past)}


def _moved(one: Board, past: Past) -> Figure:
    """Who stands in line. Its last value is what the line says now."""
    live, waiting = (*past.trend.live[:-1], one.live), (*past.trend.callbacks[:-1], one.callbacks)
    return Figure(
        gettext("In line, last two hours"),
        past.trend.at,
        [
            Series(gettext("on the line"), live, Kind.AREA),
            Series(gettext("callbacks"), waiting, Kind.LINE),
        ],
        Unit.COUNT,
        x_label=gettext("Time"),
        every=TABLE_EVERY,
    )


def _waits(past: Past) -> Figure:
    return Figure(
        gettext("Announced and actual wait"),
        past.trend.at,
        [
            Series(gettext("announced"), past.trend.quoted_s, Kind.LINE),
            Series(gettext("actual"), past.trend.waited_s, Kind.LINE),
        ],
        Unit.SECONDS,
        x_label=gettext("Time"),
        every=TABLE_EVERY,
    )
