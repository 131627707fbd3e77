"""How the line knows its own age, and the verbs that fill one again which was lost. The rules are in `lua/`.

`docs/decisions/0007-a-line-that-knows-its-age.md` says what the numbers are for.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from callback.adapters.line.micros import span, to_micros
from callback.adapters.line.results import Result
from callback.domain.ids import AgentKey
from callback.domain.lifecycle import AgentStatus
from callback.ports import LineAge, Stand

_SEATS = 200
"""Agents who take their seats in one step."""


class Aging:
    """These verbs of `ports.Line`, for `RedisLine`."""

    _run: Callable[..., list[Any]]

    def age(self, expected: int | None = None) -> LineAge:
        _, number, run, unsure, configured = self._run("epoch", "" if expected is None else expected)
        return LineAge(int(number) if number else None, run, unsure, bool(configured))

    def doubt(self, number: int) -> bool:
        return bool(self._run("doubt", "lost", number)[0] == Result.OK)

    def begin_rebuild(self, number: int, mark: str) -> None:
        self._run("rebuilding", number, mark)

    def end_rebuild(self, number: int) -> str | None:
        reply = self._run("rebuilt", number)
        return str(reply[1]) if reply[0] == Result.OK else None

    def resume(self, stand: Stand, *, phase: str, lease_s: float, now: datetime) -> bool:
        at = to_micros(now)
        talks_since = to_micros(stand.bridged_at) if stand.bridged_at else ""
        reply = self._run(
            "resume", stand.queue, stand.entry, stand.score, to_micros(stand.joined_at), stand.leg or "",
            stand.language, stand.number_hash, "menu" if stand.in_menu else "hold", stand.token or "",
            stand.agent or "", phase, at, at + span(lease_s), talks_since, at,
        )  # fmt: skip
        return bool(reply[0] == Result.OK)

    def seat(
        self,
        wishes: Mapping[AgentKey, tuple[AgentStatus, datetime]],
        *,
        now: datetime,
        wrapping: Mapping[AgentKey, tuple[datetime, datetime]] | None = None,
    ) -> None:
        ends = {key: to_micros(until) for key, (_, until) in (wrapping or {}).items()}
        begun = {key: began for key, (began, _) in (wrapping or {}).items()}
        all_of_them = sorted(wishes.items())
        for start in range(0, len(all_of_them), _SEATS):
            some = all_of_them[start : start + _SEATS]
            arguments = [
                word
                for key, (status, since) in some
                for word in (key, status, to_micros(begun.get(key, since)), ends.get(key, ""))
            ]
            self._run("seat", to_micros(now), *arguments)
