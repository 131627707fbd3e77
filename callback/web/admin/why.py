"""One prediction in plain words: what was said, what it rested on, what was decided, and what happened then."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from callback.domain import basis
from callback.domain.basis import Basis, Ground
from callback.domain.judged import Share
from callback.domain.said import Fate, Moment, Prediction
from callback.web.catalogue import gettext, ngettext
from callback.web.languages import duration
from callback.web.words import after, word


@dataclass(frozen=True)
class Fact:
    """A line of the explanation."""

    name: str
    said: str


def moment(said: Moment) -> str:
    """When it was said."""
    return {
        Moment.ARRIVAL: lambda: gettext("on arrival"),
        Moment.MENU: lambda: gettext("in the menu again"),
        Moment.HOLD: lambda: gettext("on hold"),
        Moment.PROMISE: lambda: gettext("with the promise"),
        Moment.REFUSED: lambda: gettext("a promise was refused"),
    }[said]()


def heard(said: Prediction) -> str:
    """What was spoken of the wait."""
    if not said.told:
        return gettext("nothing of the wait")
    if said.high_min is None:
        return gettext("nobody can know the wait") if said.mean is None else gettext("not known")
    if said.high_min <= 1:
        return gettext("under a minute")
    return gettext("%(low)s to %(high)s min", low=said.low_min, high=said.high_min)


def model(name: str) -> str:
    """Which rule spoke."""
    return gettext("model %(name)s", name=name) if name else gettext("simple rule")


def rests_on(sentence: str) -> str:
    """What a wait rests on, said in the reader's language."""
    found = basis.read(sentence)
    return sentence if found is None else _GROUNDS[found.ground](found)


def _expected(on: Basis) -> str:
    return gettext(
        "the simple rule, %(time)s expected for a talk, and %(talks)s",
        time=duration(on.handle_s),
        talks=_talks(on.talks),
    )


def _talks(count: int) -> str:
    return ngettext("%(num)d talk measured", "%(num)d talks measured", count)


def _waits(count: int) -> str:
    return ngettext("%(num)d wait", "%(num)d waits", count)


_GROUNDS: Mapping[Ground, Callable[[Basis], str]] = {
    Ground.UNKNOWN: lambda _: gettext("nobody can know it now"),
    Ground.FREE: lambda _: gettext("an agent is free"),
    Ground.MEASURED: lambda on: gettext("the simple rule, and %(talks)s", talks=_talks(on.talks)),
    Ground.EXPECTED: lambda on: gettext(
        "the simple rule, and %(time)s expected for a talk: nothing was measured yet", time=duration(on.handle_s)
    ),
    Ground.EXPECTED_ONE: _expected,
    Ground.EXPECTED_SOME: _expected,
    Ground.UNLEARNT: lambda on: gettext(
        "the simple rule: nothing was learnt yet, after %(waits)s", waits=_waits(on.waits)
    ),
    Ground.LEARNT: lambda on: gettext(
        "model %(model)s, learnt from %(waits)s", model=on.model, waits=_waits(on.waits)
    ),
    Ground.MIXED: lambda on: gettext(
        "%(percent)s%% model %(model)s, learnt from %(waits)s, and the simple rule for the rest",
        percent=on.percent, model=on.model, waits=_waits(on.waits),
    ),
    Ground.OUTDONE: lambda on: gettext(
        "the simple rule, which was better lately than model %(model)s (learnt from %(waits)s)",
        model=on.model, waits=_waits(on.waits),
    ),
}  # fmt: skip


def fate(said: Prediction) -> str:
    """What became of them, and after how long."""
    if said.fate is None:
        return gettext("not over yet") if said.rang_at is None else gettext("rung, not talked yet")
    words = {
        Fate.CONNECTED: lambda: gettext("an agent was there"),
        Fate.LEFT: lambda: gettext("hung up"),
        Fate.PROMISED: lambda: gettext("took a callback"),
        Fate.MOVED: lambda: gettext("asked for another time"),
    }
    found = words.get(said.fate)
    what = found() if found else word(said.fate)
    return gettext("%(what)s after %(time)s", what=what, time=duration(said.waited_s))


def decision(said: Prediction) -> str:
    """Whether a callback was offered, and for what reason."""
    what = gettext("Offering callbacks.") if said.offering else gettext("Not offering callbacks.")
    why = {
        "wait": lambda: gettext("The wait had reached the threshold."),
        "waiting": lambda: gettext("As many were waiting as the threshold says."),
        "nobody_staffed": lambda: gettext("Nobody was signed in, and the queue was open."),
        "hysteresis": lambda: gettext("It was being offered, and the wait was not short enough yet to stop."),
        "below": lambda: gettext("The wait was below the threshold."),
        "free_agent": lambda: gettext("An agent was free."),
        "switched_off": lambda: gettext("New callbacks were switched off."),
        "closed": lambda: gettext("The queue was closed."),
        "full": lambda: gettext("As many callbacks were open as are allowed."),
        "not_before_closing": lambda: gettext("It could not have been kept before closing."),
        "cannot_ring": lambda: gettext("Nobody could be rung."),
    }
    found = why.get(said.reason)
    return after(what, found()) if found else what


def facts(said: Prediction) -> list[Fact]:
    """The whole explanation, in order."""
    found = [Fact(gettext("Heard"), heard(said)), *_forecasts(said), *_state(said), *_measured(said)]
    return [*found, Fact(gettext("Decided"), decision(said)), *_promise(said), *_outcome(said)]


def _forecasts(said: Prediction) -> list[Fact]:
    if said.mean is None:
        return []
    ours = _quantiles(said.p10, said.p50, said.p80, said.p90, said.mean)
    found = [Fact(model(said.model), ours)]
    if said.model and said.simple_mean is not None:
        values = (said.simple_p10, said.simple_p50, said.simple_p80, said.simple_p90, said.simple_mean)
        found.append(Fact(gettext("The simple rule said"), _quantiles(*values)))
    return [*found, Fact(gettext("Rests on"), rests_on(said.basis))]


def _quantiles(p10: float | None, p50: float | None, p80: float | None, p90: float | None, mean: float | None) -> str:
    return gettext(
        "one of ten within %(p10)s, half within %(p50)s, eight of ten within %(p80)s, nine of ten within %(p90)s; "
        "%(mean)s on average",
        p10=duration(p10), p50=duration(p50), p80=duration(p80), p90=duration(p90), mean=duration(mean),
    )  # fmt: skip


def _state(said: Prediction) -> list[Fact]:
    given = said.inputs
    agents = ", ".join(f"{count} {word(status)}" for status, count in (given.get("agents") or {}).items())
    ahead = given.get("ahead")
    found = [
        Fact(gettext("Ahead of them"), gettext("not known") if ahead is None else str(ahead)),
        Fact(gettext("Agents"), agents or gettext("none signed in")),
        Fact(
            gettext("In line"),
            gettext(
                "%(live)s on the line, %(callbacks)s callbacks",
                live=given.get("live"),
                callbacks=given.get("outstanding"),
            ),
        ),
    ]
    if given.get("closes_in_s") is not None:
        found.append(Fact(gettext("Closing in"), duration(given["closes_in_s"])))
    return [*found, Fact(gettext("Thresholds"), gettext("Version %(version)s", version=given.get("policy_version")))]


def _measured(said: Prediction) -> list[Fact]:
    given, found = said.inputs, []
    if given.get("handle_s") is not None:
        talks = round(given.get("handled") or 0)
        mean = duration(given["handle_s"])
        over = ngettext("%(num)d talk", "%(num)d talks", talks)
        found.append(Fact(gettext("Talk and wrap-up"), f"{mean} · {over}"))
    if given.get("patience_s") is not None:
        gone = round(given.get("abandoned") or 0)
        mean = duration(given["patience_s"])
        who = ngettext("%(num)d who hung up", "%(num)d who hung up", gone)
        found.append(Fact(gettext("Patience"), f"{mean} · {who}"))
    return found


def _promise(said: Prediction) -> list[Fact]:
    missed = said.kept
    if missed is None:
        return []
    seconds = missed.total_seconds()
    kept = gettext("kept")
    if seconds:
        by = duration(abs(seconds))
        kept = gettext("%(time)s too early", time=by) if seconds < 0 else gettext("%(time)s too late", time=by)
    return [Fact(gettext("The promised window"), kept)]


def _outcome(said: Prediction) -> list[Fact]:
    found = [Fact(gettext("What happened"), fate(said))]
    if said.since_joined_s is not None and said.fate is not None:
        found.append(Fact(gettext("Since joining the line"), duration(said.since_joined_s)))
    if said.offered_s is not None:
        found.append(
            Fact(gettext("An agent would have been there"), gettext("after %(time)s", time=duration(said.offered_s)))
        )
    actual = said.offered_s if said.actual_s is None else said.actual_s
    if actual is not None and said.p50 is not None and said.p10 is not None and said.p90 is not None:
        inside = said.p10 <= actual <= said.p90
        held = gettext("within the range") if inside else gettext("outside the range")
        found.append(Fact(gettext("Expected and true"), f"{duration(said.p50)} → {duration(actual)} · {held}"))
    return found


# --- figures ----------------------------------------------------------------------------------------------------


def percent(share: Share) -> str:
    """A share with the interval in which the true one lies: `79% (74 to 84%)`."""
    found = share.interval
    if share.value is None or found is None:
        return "–"
    low, high = (round(100 * one) for one in found)
    return gettext("%(share)s%% (%(low)s to %(high)s%%)", share=round(100 * share.value), low=low, high=high)


def bias(seconds: float | None) -> str:
    """Too long or too short, by how much."""
    if seconds is None:
        return "–"
    if abs(seconds) < 0.5:
        return duration(0)
    by = duration(abs(seconds))
    return gettext("%(time)s too long", time=by) if seconds > 0 else gettext("%(time)s too short", time=by)


def verdict(coverage: Share, wanted: float = 0.8) -> str:
    """In a sentence, whether the announced range can be believed."""
    if not coverage.of:
        return gettext("Nothing can be judged yet.")
    if not coverage.enough:
        return ngettext(
            "%(num)d wait: too few to judge how often the range held.",
            "%(num)d waits: too few to judge how often the range held.",
            coverage.of,
        )
    if coverage.fits(wanted):
        return gettext("The range held about as often as it should.")
    if (coverage.value or 0) < wanted:
        return gettext("The range held less often than it should: it is too narrow, or in the wrong place.")
    return gettext("The range held more often than it should: it is wider than it need be.")
