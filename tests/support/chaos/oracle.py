"""The judges: each looks at what the witnesses saw and names what was broken, by the letter of its invariant.

L no caller with a promise is lost. D at most one live dial per callback and per number. X no dial after an acknowledged
cancel. F a position never goes backwards, and everybody is served in the order of the line. A no agent double-booked or
leaked. W every voice webhook gets a document in under two seconds, and nobody hears the carrier apologise for us.
"""

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.support.chaos.evidence import Entry, Evidence, Leg, Webhook

DOCUMENT_S = 2.0
"""A voice document comes within this."""
ENDS = frozenset({"completed", "cancelled", "unreached", "expired", "failed"})
REPORTS = ("/voice/status", "/voice/inbound/status", "/voice/agent/status", "/voice/agent/first/status", "/voice/sms")
"""Webhooks that get no document."""


@dataclass
class Case:
    """What a trial did, and so what must be true of it.

    `promised`: numbers with the states in which their one callback may end. `cancelled`: when a cancel of that number's
    callback was acknowledged. `agents`: telephones of the agents. `dark`: when a web was killed; a request that it had
    in hand gets no answer. `still_s`: how long the machine itself stood still.
    """

    queue: str
    promised: dict[str, frozenset[str]] = field(default_factory=dict)
    cancelled: dict[str, float] = field(default_factory=dict)
    agents: tuple[str, ...] = ()
    dark: list[float] = field(default_factory=list)
    still_s: float = 0.0
    line_lost: bool = False


def judge(case: Case, evidence: Evidence, callbacks: Sequence[Entry], agents: Iterable[Entry]) -> list[str]:
    """Everything that was broken, each as `LETTER: what`."""
    chains = evidence.chains("callback")
    mine = [callback["id"] for callback in callbacks]
    return [
        *lost(case, callbacks),
        *dialled_twice(case, evidence),
        *dialled_after_cancel(case, evidence),
        *leaked(agents),
        *double_booked(case, evidence),
        *broken_chains("L", {one: chain for one, chain in chains.items() if one in mine}),
        *unheard(case, evidence),
    ]


def lost(case: Case, callbacks: Sequence[Entry]) -> Iterator[str]:
    """L: one callback for each promise, and an end that fits."""
    for number, ends in case.promised.items():
        found = [callback for callback in callbacks if callback["number"] == number]
        if len(found) != 1:
            yield f"L: {number} was promised one callback and has {len(found)}"
        elif found[0]["state"] not in ends:
            yield f"L: the callback to {number} is {found[0]['state']}, not {' or '.join(sorted(ends))}"


def dialled_twice(case: Case, evidence: Evidence) -> Iterator[str]:
    """D: no two calls of ours to a number at one moment."""
    for number in case.promised:
        for one, other in overlapping(evidence.to(number, "outbound-api")):
            yield f"D: {number} was rung by {told(one)} and {told(other)} at once"


def overlapping(legs: Sequence[Leg]) -> Iterator[tuple[Leg, Leg]]:
    """Pairs that existed at one moment."""
    return ((one, other) for one, other in itertools.combinations(legs, 2) if one.overlaps(other))


def dialled_after_cancel(case: Case, evidence: Evidence) -> Iterator[str]:
    """X: the carrier is not asked any more, and whoever answers all the same talks to nobody."""
    for number, at in case.cancelled.items():
        if any(to == number and asked > at for asked, to in evidence.creations):
            yield f"X: {number} was dialled after the cancel"
        for leg in evidence.to(number, "outbound-api"):
            if leg.ended is None:
                yield f"X: {leg.sid} to {number} goes on after the cancel"


def leaked(agents: Iterable[Entry]) -> Iterator[str]:
    """A: in the end everybody is free."""
    for agent in agents:
        if agent["status"] != "available":
            yield f"A: {agent['key']} is left {agent['status']} since {agent['since']}"


def double_booked(case: Case, evidence: Evidence) -> Iterator[str]:
    """A: no telephone of an agent is rung while it rings or talks already."""
    for contact in case.agents:
        for one, other in overlapping(evidence.to(contact, "outbound-dial", "outbound-api")):
            if talks(one) and talks(other):
                yield f"A: the agent at {contact} was on {told(one)} and {told(other)} at once"


def told(leg: Leg) -> str:
    """A leg and when it was."""
    return f"{leg.sid} ({leg.began:.3f} to {leg.ended or 0:.3f}: {' '.join(leg.statuses)})"


def talks(leg: Leg) -> bool:
    """Whether it was ever answered."""
    return "in-progress" in leg.statuses


def broken_chains(letter: str, chains: Mapping[str, Sequence[Entry]]) -> Iterator[str]:
    """Each change begins where the one before ended, and nothing follows an end."""
    for subject, chain in chains.items():
        before = None
        for entry in chain:
            if entry["from"] != before:
                yield f"{letter}: {subject} goes on from {entry['from']} though it was {before} (seq {entry['seq']})"
            if before in ENDS:
                yield f"{letter}: {subject} goes on after its end (seq {entry['seq']})"
            before = entry["to"]


def unheard(case: Case, evidence: Evidence) -> Iterator[str]:
    """W: documents that parse, in time; a request in the hands of a web that was killed is the carrier's to repeat."""
    for crash in evidence.errors:
        if crash["kind"] == "crash":
            yield f"W: the carrier itself failed: {crash['message']}"
    for sid in evidence.apologised:
        yield f"W: the carrier apologised for us on {sid}"
    for webhook in evidence.webhooks:
        if not webhook.url.partition("?")[0].endswith(REPORTS):
            yield from _document(case, webhook)


def _document(case: Case, webhook: Webhook) -> Iterator[str]:
    what = f"{webhook.url.partition('?')[0]} for {webhook.sid}"
    if webhook.status is None:
        if not any(webhook.at - 0.5 <= dark <= webhook.at + 15 for dark in case.dark):
            yield f"W: {what} got no answer"
        return
    if webhook.status != 200:
        yield f"W: {what} got {webhook.status}"
    elif not parses(webhook.body):
        yield f"W: {what} got no document"
    if webhook.seconds > DOCUMENT_S + case.still_s:
        yield f"W: {what} took {webhook.seconds:.2f} s (the machine stood still for {case.still_s:.2f} s)"


def parses(body: str) -> bool:
    """Whether it is TwiML as far as XML goes; the carrier checks its grammar when it executes it."""
    try:
        return ET.fromstring(body).tag == "Response"
    except ET.ParseError:
        return len(body) >= 4000  # the ledger keeps the beginning only


def went_backwards(before: Mapping[str, int], after: Mapping[str, int | None]) -> list[str]:
    """F: nobody stands further back than they did."""
    return [
        f"F: {who} was {place}. in line and is {now}. now"
        for who, place in before.items()
        if (now := after.get(who)) is not None and now > place
    ]
