"""What the witnesses saw: the carrier's ledger, the journal and the API, read once after a trial.

The product's own tables are not asked. Times are seconds since 1970 by the carrier's clock.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.support.installation import Installation

OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
APOLOGY = "application error has occurred"
"""What the carrier says when neither a document nor its fallback could be had."""
Entry = dict[str, Any]


@dataclass
class Leg:
    """One leg at the carrier, from its creation to its end (None: it still exists)."""

    sid: str
    to: str
    from_: str
    direction: str
    began: float
    ended: float | None = None
    statuses: list[str] = field(default_factory=list)

    def overlaps(self, other: "Leg") -> bool:
        """Whether both existed at one moment."""
        first, second = sorted((self, other), key=lambda leg: leg.began)
        return first.ended is None or first.ended > second.began


@dataclass
class Webhook:
    """One request to the application; `status` None: no answer came."""

    sid: str
    purpose: str
    url: str
    at: float
    status: int | None
    body: str
    seconds: float
    copy: int


@dataclass
class Evidence:
    """Since a mark in each witness' account."""

    legs: dict[str, Leg] = field(default_factory=dict)
    webhooks: list[Webhook] = field(default_factory=list)
    creations: list[tuple[float, str]] = field(default_factory=list)
    errors: list[Entry] = field(default_factory=list)
    apologised: list[str] = field(default_factory=list)
    journal: list[Entry] = field(default_factory=list)

    def to(self, address: str, *directions: str) -> list[Leg]:
        """The legs that rang an address, oldest first."""
        return [leg for leg in self.legs.values() if leg.to == address and leg.direction in directions]

    def chains(self, kind: str) -> dict[str, list[Entry]]:
        """The journal of each subject of a kind."""
        found: dict[str, list[Entry]] = {}
        for entry in self.journal:
            if entry["kind"] == kind:
                found.setdefault(entry["subject"], []).append(entry)
        return found


def story(evidence: Evidence) -> str:
    """All of it in order of time, a line each, for whoever has to find out what happened."""
    told = [(seconds(one["at"]), f"journal {one['seq']} {_change(one)}") for one in evidence.journal]
    told += [(hook.at, f"webhook {hook.sid} {hook.url} -> {hook.status} {hook.body}") for hook in evidence.webhooks]
    told += [(at, f"asked to ring {to}") for at, to in evidence.creations]
    for leg in evidence.legs.values():
        told.append((leg.began, f"leg {leg.sid} {leg.direction} {leg.from_} to {leg.to}: {' '.join(leg.statuses)}"))
    return "\n".join(f"{at:.3f} {what}" for at, what in sorted(told))


def _change(entry: Entry) -> str:
    told = " ".join(str(entry[name]) for name in ("kind", "subject", "from", "to"))
    return f"{told}: {entry['reason']} (by {entry['cause']}) {entry['data']}"


def seconds(at: str) -> float:
    """A time as the witnesses write it."""
    return datetime.fromisoformat(at).timestamp()


def marks(home: Installation) -> tuple[int, int]:
    """Where the carrier's ledger and the journal end now."""
    entries = home.journal(after=home.journal_mark)
    home.journal_mark = entries[-1]["seq"] if entries else home.journal_mark
    return home.carrier.mark(), home.journal_mark


def gather(home: Installation, since: tuple[int, int]) -> Evidence:
    """Everything since those marks."""
    evidence = Evidence(journal=home.journal(after=since[1]))
    read(evidence, ledger(home, since[0]))
    calls = home.carrier.do("GET", "calls")["calls"]
    evidence.apologised = [call["sid"] for call in calls if any(APOLOGY in heard["text"] for heard in call["heard"])]
    return evidence


def part(evidence: Evidence, addresses: Collection[str], queue: str) -> Evidence:
    """What concerns these telephones, ringing or rung, and this queue."""
    legs = {sid: leg for sid, leg in evidence.legs.items() if leg.to in addresses or leg.from_ in addresses}
    return Evidence(
        legs=legs,
        webhooks=[webhook for webhook in evidence.webhooks if webhook.sid in legs],
        creations=[creation for creation in evidence.creations if creation[1] in addresses],
        errors=[error for error in evidence.errors if error["kind"] == "crash" or error.get("sid") in legs],
        apologised=[sid for sid in evidence.apologised if sid in legs],
        journal=[entry for entry in evidence.journal if entry["queue"] in {"", queue}],
    )


def ledger(home: Installation, after: int) -> Iterator[Entry]:
    """The carrier's account from there on."""
    while True:
        page = home.carrier.do("GET", f"ledger?after={after}&limit=5000")["entries"]
        yield from page
        if not page:
            return
        after = page[-1]["seq"]


def read(evidence: Evidence, entries: Iterable[Entry]) -> None:
    """Sort the carrier's account into what the judges look at."""
    for entry in entries:
        reader = _READERS.get(entry["kind"])
        if reader is not None:
            reader(evidence, entry)


def _call(evidence: Evidence, entry: Entry) -> None:
    at = seconds(entry["at"])
    leg = evidence.legs.setdefault(
        entry["sid"], Leg(entry["sid"], entry["to"], entry["from"], entry["direction"], began=at)
    )
    leg.statuses.append(entry["status"])
    if entry["status"] in OVER:
        leg.ended = at


def _webhook(evidence: Evidence, entry: Entry) -> None:
    answer = entry["answer"] or {"status": None, "body": "", "ms": 0.0}
    evidence.webhooks.append(
        Webhook(
            entry["sid"], entry["purpose"], entry["url"], seconds(entry["at"]),
            answer["status"], answer["body"], answer["ms"] / 1000, entry["copy"],
        )
    )  # fmt: skip


def _rest(evidence: Evidence, entry: Entry) -> None:
    if entry["method"] == "POST" and entry["path"].endswith("/Calls.json"):
        evidence.creations.append((seconds(entry["at"]), entry["form"]["To"]))


def _error(evidence: Evidence, entry: Entry) -> None:
    evidence.errors.append(entry)


_READERS = {"call": _call, "webhook": _webhook, "rest": _rest, "crash": _error, "error": _error}
