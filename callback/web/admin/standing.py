"""Why somebody stands where they stand, in plain words: how they came, what put them ahead, how often we rang."""

from collections.abc import Mapping

from callback.domain import order
from callback.domain.callback import Callback
from callback.ports import Waiting
from callback.web.catalogue import gettext, ngettext
from callback.web.languages import duration
from callback.web.words import word

NOTABLE_S = 1.0
"""Places that lie nearer than this to one another are not worth a word."""


def reasons(
    one: Waiting, found: Callback | None, credits: Mapping[str, float], gap_s: float | None = None
) -> list[str]:
    """Of a place in line, the most telling first. `credits` are the seconds of each segment that the queue prefers."""
    said = [gettext("called in") if found is None else word(found.source), *_shifted(one, credits)]
    if found is not None:
        said += rung(found)
    if gap_s is not None and gap_s >= NOTABLE_S:
        said.append(gettext("%(time)s before the next", time=duration(gap_s)))
    return said


def rung(found: Callback) -> list[str]:
    """How often they were rung before, if they were."""
    if not found.attempts_made:
        return []
    return [ngettext("%(num)d attempt", "%(num)d attempts", found.attempts_made)]


def _shifted(one: Waiting, credits: Mapping[str, float]) -> list[str]:
    """A priority's credit, or a hand that moved them, tells from the place itself."""
    ahead_s = order.ahead_s(one.joined_at, one.score)
    segment = order.priority(one.joined_at, one.score, credits)
    if segment:
        return [gettext("%(segment)s: %(time)s of credit", segment=segment, time=duration(ahead_s))]
    if ahead_s > 0:
        return [gettext("moved to the front")]
    return [gettext("rejoined at the back after a missed call")] if ahead_s < 0 else []
