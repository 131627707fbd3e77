"""The carrier's ledger, followed while it is written: it keeps its newest entries only, and a soak writes more.

An entry is read once it is old enough for its answer to have come.
"""

import threading
import time
from dataclasses import dataclass, field, replace

from tests.support.chaos import evidence
from tests.support.chaos.evidence import APOLOGY, Evidence, Webhook
from tests.support.chaos.oracle import Case, unheard
from tests.support.chaos.stillness import Stillness
from tests.support.installation import Carrier

SETTLED_S = 18.0
"""A webhook has had its answer, or never will, after the carrier's ceiling of 15 seconds."""
KEPT = 200
"""So much of each document is kept for the story."""
PROMISES = ("We will call you back at", "给您回电，拨打")
"""How a promise is worded in a document."""


@dataclass
class Seen:
    """What there is to judge in the end: the legs, whom we asked to ring, who was promised something, what W broke."""

    evidence: Evidence = field(default_factory=Evidence)
    promised: dict[str, str] = field(default_factory=dict)
    documents: int = 0
    slowest_s: float = 0.0
    breaches: list[str] = field(default_factory=list)
    webhooks: list[Webhook] = field(default_factory=list)


class Watch:
    """A thread that follows one carrier's ledger."""

    def __init__(self, carrier: Carrier, case: Case, stillness: Stillness) -> None:
        self.seen = Seen()
        self._carrier, self._case, self._stillness = carrier, case, stillness
        self._after = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="watch", daemon=True)
        self._thread.start()

    def finish(self) -> Seen:
        """Read to the end."""
        self._over.set()
        self._thread.join()
        self._read(settled_s=0)
        calls = self._carrier.do("GET", "calls")["calls"]
        for call in calls:
            if any(APOLOGY in heard["text"] for heard in call["heard"]):
                self.seen.breaches.append(f"W: the carrier apologised for us on {call['sid']}")
        return self.seen

    def _follow(self) -> None:
        while not self._over.wait(1.0):
            self._read(SETTLED_S)

    def _read(self, settled_s: float) -> None:
        page = [0]
        while page:
            page = self._carrier.do("GET", f"ledger?after={self._after}&limit=5000")["entries"]
            old = [entry for entry in page if evidence.seconds(entry["at"]) < time.time() - settled_s]
            if not old:
                return
            self._after = old[-1]["seq"]
            evidence.read(self.seen.evidence, old)
            self._judge_webhooks()

    def _judge_webhooks(self) -> None:
        webhooks, self.seen.evidence.webhooks = self.seen.evidence.webhooks, []
        for webhook in webhooks:
            self.seen.documents += webhook.body.startswith("<?xml") or webhook.body.startswith("<Response")
            self.seen.slowest_s = max(self.seen.slowest_s, webhook.seconds)
            self._note_promise(webhook)
            self.seen.webhooks.append(replace(webhook, body=webhook.body[:KEPT]))
            self._case.still_s = self._stillness.worst(webhook.at, webhook.at + webhook.seconds)
            self.seen.breaches += unheard(self._case, Evidence(webhooks=[webhook]))
        errors, self.seen.evidence.errors = self.seen.evidence.errors, []
        crashes = [error for error in errors if error["kind"] == "crash"]
        self.seen.breaches += unheard(self._case, Evidence(errors=crashes))

    def _note_promise(self, webhook: Webhook) -> None:
        if webhook.status == 200 and any(words in webhook.body for words in PROMISES):
            self.seen.promised.setdefault(webhook.sid, webhook.url)
