"""What a figure of the reports is: what it is called, how it follows from what is counted, how it is written, and what
it means, in the reader's language."""

from collections.abc import Callable
from dataclasses import dataclass

from callback.domain.reports import What
from callback.flows.reported import Counted
from callback.web.catalogue import gettext, ngettext
from callback.web.figures import Unit, said

Words = Callable[[], str]
NOISE = 0.05
"""A change by less than this part is not called better or worse: it may be chance."""


@dataclass(frozen=True)
class Asked:
    """What a reader sets: the seconds of the service level (and the share it should reach), and what an agent's hour
    costs."""

    target_s: int = 20
    goal: float = 0.8
    hourly: float | None = None


@dataclass(frozen=True)
class Measure:
    """One figure. `better`: 1 where more is better, -1 where less is, 0 where neither."""

    key: str
    group: str
    label: Words
    unit: Unit
    value: Callable[[Counted, Asked], float | None]
    meaning: Callable[[Asked], str]
    better: int = 0

    def said(self, found: Counted | None, asked: Asked) -> str:
        """As people read it; a dash for what nobody knows."""
        return said(None if found is None else self.value(found, asked), self.unit)

    def change(self, found: Counted, before: Counted | None, asked: Asked) -> str:
        """How it has changed: in points for shares, in seconds for times, in per cent for counts."""
        now = self.value(found, asked)
        then = None if before is None else self.value(before, asked)
        if now is None or then is None:
            return ""
        if self.unit is Unit.SHARE:
            points = round(100 * (now - then))
            return ngettext("%(change)s point", "%(change)s points", abs(points), change=_signed(points))
        if self.unit is Unit.SECONDS:
            return _sign(round(now) - round(then)) + said(abs(round(now) - round(then)), self.unit)
        return gettext("%(change)s%%", change=_signed(round(100 * (now - then) / then))) if then else ""

    def turn(self, found: Counted, before: Counted | None, asked: Asked) -> str:
        """Whether that change is for the better ("good") or the worse; "" where it is neither, or too small to tell."""
        now = self.value(found, asked)
        then = None if before is None else self.value(before, asked)
        if not self.better or now is None or then is None or abs(now - then) <= NOISE * max(abs(then), abs(now)):
            return ""
        return "good" if (now > then) == (self.better > 0) else "worse"


def _signed(number: int) -> str:
    return f"{_sign(number)}{abs(number)}"


def _sign(number: float) -> str:
    return "+" if number > 0 else "−" if number < 0 else "±"


def of(name: str) -> Callable[[Counted, Asked], float | None]:
    """The sum of that name, or what follows from sums."""
    return lambda found, _: getattr(found.sums, name)


def quantile_of(what: What, share: float) -> Callable[[Counted, Asked], float | None]:
    """Of the spread of these seconds."""
    return lambda found, _: found.quantile(what, share)


def just(words: Words) -> Callable[[Asked], str]:
    """A meaning that is the same whatever is asked."""
    return lambda _: words()
