"""The account's own telephone numbers: where the carrier sends what happens on them, and what is wrong with that.

A number whose webhooks point elsewhere is the commonest reason why nothing happens when somebody rings, so the same
judgement stands behind `callback doctor`, `callback twilio provision` and the console's first use.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from callback.domain.callback import Agent
from callback.domain.policy import Queue


@dataclass(frozen=True)
class Webhooks:
    """Where a number's events go: absolute URLs, "" for nowhere."""

    voice_url: str = ""
    voice_fallback_url: str = ""
    status_callback: str = ""
    sms_url: str = ""


@dataclass(frozen=True)
class OwnNumber:
    """A number of the account. `bypassed` names what makes the carrier ignore its voice URL, "" for nothing."""

    sid: str
    number: str
    webhooks: Webhooks
    bypassed: str = ""


class Wrong(StrEnum):
    """What can be wrong with a number, the worst first."""

    NOT_OURS = "not_ours"  # no number of the account
    BYPASSED = "bypassed"  # an application or a trunk takes its calls
    CALLS = "calls"  # its calls go elsewhere, or nowhere
    FALLBACK = "fallback"  # nobody answers while we are away
    ENDS = "ends"  # we are not told when its calls end
    TEXTS = "texts"  # its texts go elsewhere


FATAL = frozenset({Wrong.NOT_OURS, Wrong.BYPASSED, Wrong.CALLS})
"""With one of these nobody who rings the number is served here."""


def webhooks_for(base_url: str, queue: str) -> Webhooks:
    """The webhooks of a number that leads to `queue` of the installation at `base_url`."""
    base, query = base_url.rstrip("/"), urlencode({"queue": queue})
    return Webhooks(
        voice_url=f"{base}/voice/incoming?{query}",
        voice_fallback_url=f"{base}/voice/fallback?{query}",
        status_callback=f"{base}/voice/inbound/status?{query}",
        sms_url=f"{base}/sms/incoming",
    )


def wrong_with(found: OwnNumber | None, wanted: Webhooks) -> list[Wrong]:
    """What keeps a number from leading where it should, the worst first; with one that is fatal, that alone."""
    if found is None:
        return [Wrong.NOT_OURS]
    if found.bypassed:
        return [Wrong.BYPASSED]
    if not leads_to(found.webhooks.voice_url, wanted.voice_url):
        return [Wrong.CALLS]
    parts = (
        (Wrong.FALLBACK, found.webhooks.voice_fallback_url, wanted.voice_fallback_url),
        (Wrong.ENDS, found.webhooks.status_callback, wanted.status_callback),
        (Wrong.TEXTS, found.webhooks.sms_url, wanted.sms_url),
    )
    return [what for what, is_, should in parts if not leads_to(is_, should)]


def leads_to(found: str, wanted: str) -> bool:
    """The same address, and the same queue or none: then the number itself tells the queue."""
    is_, should = urlsplit(found), urlsplit(wanted)
    queue = parse_qs(is_.query).get("queue")
    return is_[:3] == should[:3] and queue in (None, parse_qs(should.query).get("queue"))


def bare(webhooks: Webhooks) -> dict[str, str]:
    """The same as a log may keep them: scheme, host and path. What else is in an address may be somebody's password."""
    return {name: _bare(url) for name, url in asdict(webhooks).items()}


def _bare(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "unreadable"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def on_this_machine(url: str) -> bool:
    """Whether an address is this machine's own loopback, which no carrier can reach."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def served(queue: Queue, agents: Iterable[Agent]) -> list[Agent]:
    """The agents who serve a queue; none: nobody will ever take its calls."""
    return [agent for agent in agents if any(one.queue == queue.key for one in agent.queues)]


def calls_from(queue: Queue, caller_id: str | None) -> str | None:
    """The number that calls back: the installation's, else the queue's first. None: nobody can be called back."""
    return caller_id or (queue.numbers[0] if queue.numbers else None)
