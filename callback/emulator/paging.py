"""Lists in pages, newest first, stable while new entries arrive: a page continues after the last entry of the one
before."""

from __future__ import annotations

import datetime as dt
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from callback.emulator.errors import UNKNOWN_PARAMETER, CarrierError

T = TypeVar("T")

DEFAULT_SIZE = 50
LARGEST_SIZE = 1000
PAGING = frozenset({"PageSize", "Page", "PageToken"})


def _whole(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    value = query.get(name, str(default))
    if not value.isdigit() or not low <= int(value):
        raise CarrierError(UNKNOWN_PARAMETER, f"{name}={value!r}")
    return min(int(value), high)


def page(
    items: Sequence[T],
    *,
    path: str,
    query: Mapping[str, str],
    key: str,
    name_of: Callable[[T], str],
    show: Callable[[T], Mapping[str, Any]],
) -> dict[str, Any]:
    """One page of ``items``.

    Args:
        items: all entries that match, in the order of the list.
        path: the list's own path.
        query: the request's parameters: filters and PageSize, Page, PageToken.
        key: the JSON member that holds the entries.
        name_of: an entry's sid, which the page token is made of.
        show: an entry as JSON.
    """
    size = _whole(query, "PageSize", DEFAULT_SIZE, 1, LARGEST_SIZE)
    number = _whole(query, "Page", 0, 0, 10**9)
    start = number * size
    token = query.get("PageToken")
    if token is not None:
        last = token.removeprefix("PA")
        start = next((index + 1 for index, item in enumerate(items) if name_of(item) == last), len(items))
    shown = items[start : start + size]
    filters = {name: value for name, value in query.items() if name not in PAGING}

    def uri(page_number: int, **more: str) -> str:
        return f"{path}?{urllib.parse.urlencode({**filters, 'PageSize': size, 'Page': page_number, **more})}"

    follows = start + size < len(items)
    return {
        key: [show(item) for item in shown],
        "page": number,
        "page_size": size,
        "start": number * size,
        "end": number * size + max(0, len(shown) - 1),
        "uri": uri(number, **({"PageToken": token} if token is not None else {})),
        "first_page_uri": uri(0),
        "next_page_uri": uri(number + 1, PageToken=f"PA{name_of(shown[-1])}") if follows else None,
        "previous_page_uri": uri(number - 1) if number > 0 else None,
    }


def within(moment: float | None, query: Mapping[str, str], name: str) -> bool:
    """Whether a time passes the filters ``name``, ``name<`` and ``name>``; both bounds are inclusive.

    A filter is a UTC day (``2026-01-31``) or second (``2026-01-31T12:00:00Z``). What has no time passes no filter.
    """
    for suffix in ("", "<", ">"):
        given = query.get(name + suffix)
        if given is None:
            continue
        if moment is None or not _passes(moment, given, suffix):
            return False
    return True


def _passes(moment: float, given: str, suffix: str) -> bool:
    try:
        first = dt.datetime.fromisoformat(given)
    except ValueError as error:
        raise CarrierError(UNKNOWN_PARAMETER, f"{given!r} is not a date") from error
    if first.tzinfo is None:
        first = first.replace(tzinfo=dt.UTC)
    low = first.timestamp()
    high = low + (86400 if len(given) == len("2026-01-31") else 1)
    return {"": low <= moment < high, "<": moment < high, ">": moment >= low}[suffix]
