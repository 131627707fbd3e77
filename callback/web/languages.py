"""Which language and zone a page is written in, and how times, durations and places are put.

One catalogue serves voice and pages (`callback/locale`). A caller's page speaks the language the caller chose on the
phone; the console speaks the browser's; either can be switched, by a link, for as long as the page is used.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import flask_babel
import phonenumbers
from babel.dates import format_date, get_timezone_name
from flask import Flask, g, request, session
from flask_babel import Babel

import callback
from callback.domain import hours, phone
from callback.domain.policy import Queue
from callback.web.catalogue import gettext

LOCALE_FOLDER = Path(callback.__file__).parent / "locale"
LANGUAGES = {"en": "English", "zh": "简体中文"}
"""The languages there are, each by its own name."""
IN_MINUTES_S = 120
"""From so long on, people who watch a line read a wait in minutes."""
TAGS = {"en": "en", "zh": "zh-Hans"}
"""What stands in the page's `lang` attribute."""


def install(app: Flask) -> None:
    """Gives every template the catalogue and the ways of writing times."""
    Babel(
        app,
        default_locale="en",
        default_translation_directories=str(LOCALE_FOLDER),
        locale_selector=language,
        timezone_selector=lambda: str(zone()),
    )
    app.jinja_env.filters.update(
        clock=clock,
        moment=moment,
        duration=duration,
        ordinal=ordinal,
        masked=phone.mask,
        spaced=spaced,
        grouped=grouped,
    )
    app.context_processor(lambda: {"language": language(), "language_tag": TAGS[language()], "languages": LANGUAGES})


def language() -> str:
    """The language of the answer at hand: asked for, then the caller's, then the browser's."""
    if "language" not in g:
        asked = request.args.get("lang", "")
        kept = session.get("language", "") if "lang" not in request.args else ""
        g.language = next((word for word in (asked, kept, _browser()) if word in LANGUAGES), "en")
    return str(g.language)


def speak(wanted: str) -> None:
    """Answer a caller in `wanted`, unless the request asks for another language itself."""
    asked = request.args.get("lang", "")
    g.to_caller = True
    g.language = asked if asked in LANGUAGES else wanted if wanted in LANGUAGES else "en"
    flask_babel.refresh()


def _browser() -> str:
    best = request.accept_languages.best_match(["en", "zh", "zh-CN", "zh-Hans", "zh-Hans-CN", "zh-SG"], "en")
    return (best or "en").split("-")[0]


def zone() -> tzinfo:
    """The zone of the answer at hand: UTC unless `in_zone` set one."""
    found = g.get("zone")
    return found if isinstance(found, tzinfo) else UTC


def zone_known() -> bool:
    """Whether `in_zone` was told one for the answer at hand."""
    return "zone" in g


def in_zone(name: str | None) -> None:
    """Write times in this IANA zone from here on; an unknown one leaves UTC, None whatever a page takes by itself."""
    g.pop("zone", None)
    if not name:
        return
    try:
        g.zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # also a folder of zones, or what is too long for a file
        g.zone = UTC


def queue_zone(queue: Queue) -> str | None:
    """The zone in which a queue's people live: that of its hours, else of its first number."""
    named = hours.zone_of(queue.policy.hours)
    if named is not None:
        return named.key
    return phone.zone_of(queue.numbers[0]) if queue.numbers else None


def first_zone(queues: Iterable[Queue]) -> str | None:
    """The zone of the first of these queues that has one."""
    return next((zone for zone in map(queue_zone, queues) if zone), None)


def clock(at: datetime, seconds: bool = False) -> str:
    """The time of day in the answer's zone, `14:02` or `14:02:10`; to callers as calls and texts put it."""
    told = time_of_day(at.astimezone(zone()), halves=halves(), seconds=seconds)
    return told.replace(" ", "\N{NO-BREAK SPACE}")


def updated(now: datetime) -> str:
    """As `clock` to the second, in the plain characters that a header may have."""
    return time_of_day(now.astimezone(zone()), halves=halves(), seconds=True)


def halves() -> bool:
    """Whether the answer at hand counts the hours of a half day: to callers in English, who were told "2:02 PM"."""
    return bool(g.get("to_caller")) and language() == "en"


def time_of_day(at: datetime, *, halves: bool, seconds: bool = False) -> str:
    """`14:02`, or `2:02 PM` of half a day, of a moment in its own zone."""
    if not halves:
        return at.strftime("%H:%M:%S" if seconds else "%H:%M")
    half = "AM" if at.hour < 12 else "PM"
    return f"{at.hour % 12 or 12}:{at:{'%M:%S' if seconds else '%M'}} {half}"


def moment(at: datetime, now: datetime) -> str:
    """The time of day, with the day before it unless it is today."""
    local, today = at.astimezone(zone()), now.astimezone(zone()).date()
    if local.date() == today:
        return clock(at)
    if (local.date() - today).days == 1:
        return gettext("tomorrow at %(time)s", time=clock(at))
    return gettext("%(day)s at %(time)s", day=_day(local.date()), time=clock(at))


def when(at: datetime, now: datetime) -> str:
    """As `moment`, at the end of a sentence."""
    local, today = at.astimezone(zone()), now.astimezone(zone()).date()
    if local.date() == today:
        return gettext("at %(time)s", time=clock(at))
    if (local.date() - today).days == 1:
        return gettext("tomorrow at %(time)s", time=clock(at))
    return gettext("on %(day)s at %(time)s", day=_day(local.date()), time=clock(at))


def span(begin: datetime, end: datetime, now: datetime) -> str:
    """A window without a sentence: `14:10–14:25` or `2:10–2:25 PM`, with the day before it unless it is today."""
    if begin.astimezone(zone()).date() != end.astimezone(zone()).date():
        return f"{moment(begin, now)} – {moment(end, now)}"
    return f"{_without_half(moment(begin, now), end)}–{clock(end)}"


def window(begin: datetime, end: datetime, now: datetime) -> str:
    """When we expect to ring somebody. What begins now has no beginning: its minute would be a false one."""
    if begin <= now:
        return gettext("We expect to ring you by %(to)s.", to=moment(end, now))
    days = {at.astimezone(zone()).date() for at in (begin, end, now)}
    if len(days) == 1:
        return between(begin, end)
    return gettext("We expect to ring you: %(span)s.", span=span(begin, end, now))


def between(begin: datetime, end: datetime) -> str:
    """As `window`, of a day that was named already."""
    first = _without_half(clock(begin), end)
    return gettext("We expect to ring you between %(from)s and %(to)s.", **{"from": first, "to": clock(end)})


def _without_half(first: str, end: datetime) -> str:
    """The time at which a window begins, without "AM" or "PM" where its end says the same."""
    return first.removesuffix(clock(end)[-3:]) if halves() else first


def day(at: date, now: datetime) -> str:
    """The name of a day: today, tomorrow, or its date."""
    today = now.astimezone(zone()).date()
    names = {0: gettext("Today"), 1: gettext("Tomorrow")}
    return names.get((at - today).days) or _day(at)


def date_of(day: date) -> str:
    """A day with its year, without a name: what a table of any year needs."""
    return _formatted(day, "MMM d, y" if language() == "en" else "y年M月d日", language())


def short_date(day: date) -> str:
    """A day on the axis of a chart."""
    return _formatted(day, "MMM d" if language() == "en" else "M/d", language())


def zone_name() -> str:
    """The answer's zone as people call it."""
    if zone() is UTC or str(zone()) == "UTC":
        return "UTC"
    return str(get_timezone_name(zone(), width="long", zone_variant="generic", locale=language()))


def _day(day: date) -> str:
    return _formatted(day, "EEE, MMM d" if language() == "en" else "M月d日EEE", language())


@lru_cache(maxsize=4_096)
def _formatted(day: date, form: str, locale: str) -> str:
    """A page of a year has each of its days in it several times."""
    return str(format_date(day, form, locale=locale))


def duration(seconds: float | None) -> str:
    """How long, for people who watch it: `0:42`, `12:05`, `1:02:30`; a dash for what nobody knows."""
    if seconds is None:
        return "–"
    whole = max(round(seconds), 0)
    full, rest = divmod(whole, 3600)
    return f"{full}:{rest // 60:02}:{rest % 60:02}" if full else f"{rest // 60}:{rest % 60:02}"


def in_seconds(value: float) -> str:
    """Seconds as a figure."""
    return gettext("%(count)s s", count=f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.1f}")


def lasting(seconds: float) -> str:
    """How long, for people who set thresholds: in seconds below two minutes, else in minutes."""
    if seconds < IN_MINUTES_S:
        return in_seconds(seconds)
    return gettext("%(count)s min", count=f"{seconds / 60:.1f}".removesuffix(".0"))


def rounded(seconds: float) -> int:
    """An expected wait in seconds, without a false precision: the next five below two minutes, else the next minute."""
    step = 5 if seconds < IN_MINUTES_S else 60
    return max(-(-int(seconds) // step), 1) * step


def grouped(value: float, places: int = 0) -> str:
    """A number with its thousands set apart, and so many decimals."""
    return f"{round(value, places):,.{places}f}"  # so in every language there is; Babel takes ten times as long


def ordinal(number: int) -> str:
    """A place in English: 1st, 2nd, 3rd, 11th. Other languages put the bare number into their own sentence."""
    if language() != "en":
        return str(number)
    if number % 100 in {11, 12, 13}:
        return f"{number}th"
    return str(number) + {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def spaced(number: str) -> str:
    """An E.164 number in the groups people read; anything else as it is."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
