"""What desks add to talks."""

from datetime import datetime
from typing import Protocol

from callback.domain.desk import Earlier, Talk, WrapUp
from callback.domain.ids import AgentKey, EntryId, Token


class Desks(Protocol):
    """Talks, their outcomes, and what is known of somebody."""

    def put_talk(self, talk: Talk) -> Talk:
        """Insert or overwrite by token."""
        ...

    def talk(self, token: Token, *, lock: bool = False) -> Talk | None:
        """None: it was neither held nor passed on. `lock` holds the row until the end of the transaction."""
        ...

    def talks(self, agent: AgentKey, *, since: datetime, until: datetime) -> list[Talk]:
        """Those of an agent that began in this time, oldest first."""
        ...

    def asked_talks(self, *, before: datetime) -> list[Talk]:
        """Those for which the carrier was asked before then for something that has not shown yet."""
        ...

    def rung_outside(self, number: str, agent: AgentKey, *, since: datetime) -> tuple[int, int]:
        """How often telephones outside were rung by talks that began since then: this number, and by this agent."""
        ...

    def put_wrap_up(self, wrap_up: WrapUp) -> WrapUp:
        """Insert or overwrite by token."""
        ...

    def wrap_up(self, token: Token) -> WrapUp | None: ...
    def wrap_ups(self, agent: AgentKey, *, since: datetime, until: datetime) -> list[WrapUp]:
        """Of an agent's talks that began in this time, newest first."""
        ...

    def earlier(self, number: str, *, but: EntryId, limit: int = 5) -> list[Earlier]:
        """What this number had with us before, newest first, without the entry `but`."""
        ...
