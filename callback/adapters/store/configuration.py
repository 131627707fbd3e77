"""Queues, the numbers that lead to them, and their policies: every version kept, with who saved it, when and why."""

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select, update

from callback.adapters.store.tables import policies, queue_numbers, queues
from callback.adapters.store.transaction import Transaction
from callback.domain.callback import Entry
from callback.domain.errors import InvalidInput, NameTaken, NotFound, Stale
from callback.domain.ids import QueueKey
from callback.domain.policy import Policy, Queue
from callback.ports import PolicyVersion

_FIRST = 1
_POLICY_FIELDS = tuple(field.name for field in fields(Policy))
_IN_FORCE = (
    select(queues.c.key, queues.c.name, queues.c.version, policies.c.policy)
    .join(policies, (policies.c.queue == queues.c.key) & (policies.c.version == queues.c.version))
    .order_by(queues.c.key)
)
_NUMBERS = select(queue_numbers.c.queue, queue_numbers.c.number).order_by(queue_numbers.c.queue, queue_numbers.c.rank)


class Configuration(Transaction):
    """The verbs on queues and policies."""

    def queues(self) -> list[Queue]:
        """By key."""
        return self._load(_IN_FORCE, _NUMBERS)

    def queue(self, key: QueueKey) -> Queue:
        found = self._load(_IN_FORCE.where(queues.c.key == key), _NUMBERS.where(queue_numbers.c.queue == key))
        if not found:
            raise NotFound(f"there is no queue {key}")
        return found[0]

    def _load(self, in_force: Select[Any], numbers: Select[Any]) -> list[Queue]:
        rows = self._sql.execute(in_force).all()
        leading: dict[str, list[str]] = {}
        for key, number in self._sql.execute(numbers):
            leading.setdefault(key, []).append(number)
        return [_queue(row, tuple(leading.get(row.key, ()))) for row in rows]

    def put_queue(
        self, key: QueueKey, name: str, numbers: tuple[str, ...] | None, at: datetime, *, new: bool = False
    ) -> Queue:
        fresh = {"key": key, "name": name, "version": _FIRST, "created_at": at, "updated_at": at}
        if self._insert_new(queues, fresh):
            self._add_version(key, _FIRST, Policy(), by="", why="created", at=at)
            self.write(Entry(at, "queue", key, None, str(_FIRST), "created", queue=key))
        elif new:
            raise NameTaken("key", f"there is a queue {key} already")
        else:
            self._sql.execute(update(queues).where(queues.c.key == key).values(name=name, updated_at=at))
        if numbers is not None:
            self._put_numbers(key, list(dict.fromkeys(numbers)))
        return self.queue(key)

    def _put_numbers(self, key: QueueKey, numbers: list[str]) -> None:
        self._sql.execute(delete(queue_numbers).where(queue_numbers.c.queue == key))
        for rank, number in enumerate(numbers):
            if not self._insert_new(queue_numbers, {"number": number, "queue": key, "rank": rank}):
                raise InvalidInput("numbers", f"{number} leads to another queue: take it away there first")

    def put_policy(
        self, key: QueueKey, policy: Policy, *, by: str, why: str, at: datetime, following: int | None = None
    ) -> Queue:
        """Raises NotFound, Stale. Two saves at once get two versions, the later one in force."""
        one_up = update(queues).where(queues.c.key == key).values(version=queues.c.version + 1, updated_at=at)
        if following is not None:
            one_up = one_up.where(queues.c.version == following)
        version = self._sql.execute(one_up.returning(queues.c.version)).scalar()
        if version is None:
            now = self.queue(key).version
            raise Stale(f"the policy of {key} is version {now} by now, not {following}")
        self._add_version(key, version, policy, by=by, why=why, at=at)
        self.write(Entry(at, "queue", key, str(version - 1), str(version), why, cause=by, queue=key))
        return self.queue(key)

    def _add_version(self, key: QueueKey, version: int, policy: Policy, *, by: str, why: str, at: datetime) -> None:
        row = {"queue": key, "version": version, "policy": asdict(policy), "at": at, "by": by, "why": why}
        self._sql.execute(insert(policies), row)

    def policies(self, key: QueueKey, limit: int = 50) -> list[PolicyVersion]:
        """Newest first."""
        newest = select(policies).where(policies.c.queue == key).order_by(policies.c.version.desc()).limit(limit)
        return [
            PolicyVersion(QueueKey(row.queue), row.version, _policy(row.policy), row.at, row.by, row.why)
            for row in self._sql.execute(newest)
        ]


def _queue(row: Row[Any], numbers: tuple[str, ...]) -> Queue:
    return Queue(row.key, row.name, numbers, _policy(row.policy), row.version)


def _policy(saved: dict[str, Any]) -> Policy:
    """A policy as any version of the product saved it: what it had not takes its default, unknown fields go."""
    known = {name: saved[name] for name in _POLICY_FIELDS if name in saved}
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}
    return Policy(**values)
