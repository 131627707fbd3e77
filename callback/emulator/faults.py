"""Misbehaviour on request: the switches that make the carrier repeat, reorder, delay, drop, stall and fail.

A rule says which traffic it is about (a side, a URL pattern, form values, how many to let pass, how often to strike)
and what happens to it. Webhook rules that match are combined; of the REST rules the first that matches decides. A
webhook can also be held until the control API lets it go, so that a test can try every order there is.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

When = Literal["before", "after"]
REVERSE_FLUSH_S = 2.0


@dataclass
class Rule:
    """One switch. All seconds are real seconds.

    Args:
        side: ``webhook`` for requests to the application, ``rest`` for requests from it.
        url: pattern searched in the URL (REST: the path).
        method: HTTP method, empty for any.
        form: name to pattern that must match the whole value.
        purpose: webhook purpose (document, status, action, amd, sms, ...), empty for any.
        skip: how many matching requests pass first.
        times: how often it strikes; None for always.
        drop: webhook: never sent.
        delay_s, jitter_s: webhook: sent later by the delay plus a random part of the jitter.
        copies: webhook: sent this many times more, ``concurrent`` with the first or after its answer.
        hold: webhook: waits until released by hand.
        reverse: webhook: collects this many, then sends them last first.
        hang_s: REST: waits before it answers.
        status, body, code: REST: the answer given instead of the true one.
        disconnect: REST: the connection is cut instead of an answer.
        when: REST: whether this strikes before the request is carried out (it is not) or after (it is).
    """

    side: Literal["webhook", "rest"]
    url: str = ""
    method: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    purpose: str = ""
    skip: int = 0
    times: int | None = None
    drop: bool = False
    delay_s: float = 0.0
    jitter_s: float = 0.0
    copies: int = 0
    concurrent: bool = False
    hold: bool = False
    reverse: int = 0
    hang_s: float = 0.0
    status: int | None = None
    body: str | None = None
    code: int | None = None
    disconnect: bool = False
    when: When = "before"
    id: str = ""
    struck: int = 0
    _batch: list[Ticket] = field(default_factory=list, repr=False)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Rule:
        """Reads a rule, refusing fields and sides it does not know.

        Raises:
            ValueError: says what is wrong.
        """
        known = {item.name for item in dataclasses.fields(cls)} - {"id", "struck", "_batch"}
        unknown = sorted(set(data) - known)
        if unknown:
            raise ValueError(f"unknown fields: {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        if data.get("side") not in ("webhook", "rest"):
            raise ValueError("side must be webhook or rest")
        for pattern in (data.get("url", ""), *dict(data.get("form", {})).values()):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no pattern: {error}") from error
        return cls(**data)

    def to_json(self) -> dict[str, Any]:
        """The rule as the control API shows it."""
        return {
            item.name: getattr(self, item.name) for item in dataclasses.fields(self) if not item.name.startswith("_")
        }

    def strikes(self, side: str, method: str, url: str, form: Mapping[str, str], purpose: str) -> bool:
        """Whether the rule takes effect on this request; counts it if it matches."""
        matches = (
            side == self.side
            and self.method in ("", method)
            and self.purpose in ("", purpose)
            and re.search(self.url, url) is not None
            and all(re.fullmatch(pattern, form.get(name, "")) for name, pattern in self.form.items())
        )
        if not matches or (self.times is not None and self.struck >= self.times):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.struck += 1
        return True

    async def turn(self) -> Ticket:
        """Waits until this request's turn comes in a reversed batch; the ticket lets the next one go."""
        mine = Ticket(asyncio.get_running_loop().create_future(), self._batch[-1] if self._batch else None)
        self._batch.append(mine)
        if len(self._batch) >= self.reverse:
            self._flush()
        elif len(self._batch) == 1:
            asyncio.get_running_loop().call_later(REVERSE_FLUSH_S, self._flush)
        await mine.go
        return mine

    def _flush(self) -> None:
        if self._batch:
            _release(self._batch[-1].go)
        self._batch = []


@dataclass
class Ticket:
    """A place in a reversed batch: ``earlier`` came before and goes after."""

    go: asyncio.Future[None]
    earlier: Ticket | None

    def passed(self) -> None:
        """This one has been delivered; the next may go."""
        if self.earlier is not None:
            _release(self.earlier.go)


def _release(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


@dataclass(frozen=True)
class WebhookPlan:
    """What all matching rules together do to one webhook."""

    drop: bool = False
    delay_s: float = 0.0
    copies: int = 0
    concurrent: bool = False
    hold: bool = False
    turns: tuple[Rule, ...] = ()


@dataclass
class Held:
    """A webhook that waits to be let go."""

    id: str
    purpose: str
    url: str
    form: Mapping[str, str]
    go: asyncio.Future[None]


class Faults:
    """The rules in force and the webhooks held by them.

    Args:
        rng: source of jitter.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rules: list[Rule] = []
        self.held: dict[str, Held] = {}
        self._rng = rng
        self._ids = itertools.count(1)

    def add(self, rule: Rule) -> Rule:
        """Puts a rule in force and names it."""
        rule.id = f"F{next(self._ids)}"
        self.rules.append(rule)
        return rule

    def remove(self, rule_id: str | None = None) -> None:
        """Takes one rule out of force, or all."""
        self.rules = [rule for rule in self.rules if rule_id is not None and rule.id != rule_id]

    def for_webhook(self, method: str, url: str, form: Mapping[str, str], purpose: str) -> WebhookPlan:
        """What happens to this webhook."""
        struck = [rule for rule in self.rules if rule.strikes("webhook", method, url, form, purpose)]
        return WebhookPlan(
            drop=any(rule.drop for rule in struck),
            delay_s=sum(rule.delay_s + self._rng.uniform(0, rule.jitter_s) for rule in struck),
            copies=max((rule.copies for rule in struck), default=0),
            concurrent=any(rule.concurrent for rule in struck),
            hold=any(rule.hold for rule in struck),
            turns=tuple(rule for rule in struck if rule.reverse > 1),
        )

    def for_rest(self, method: str, path: str, form: Mapping[str, str]) -> Rule | None:
        """The rule that decides about this REST request, if any."""
        return next((rule for rule in self.rules if rule.strikes("rest", method, path, form, "")), None)

    async def hold(self, purpose: str, url: str, form: Mapping[str, str]) -> None:
        """Waits until :meth:`release` is called for this webhook."""
        held = Held(f"H{next(self._ids)}", purpose, url, form, asyncio.get_running_loop().create_future())
        self.held[held.id] = held
        try:
            await held.go
        finally:
            self.held.pop(held.id, None)

    def release(self, held_id: str) -> bool:
        """Lets a held webhook go; False if there is none of that id."""
        held = self.held.get(held_id)
        if held is None:
            return False
        _release(held.go)
        return True
