"""The versions of a queue's policy: who saved each, why and what it changed; any two side by side; and the way back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from callback.domain import policies
from callback.domain.acts import What
from callback.domain.ids import QueueKey
from callback.domain.policy import Policy
from callback.flows import configure
from callback.ports import PolicyVersion
from callback.web.acting import doer
from callback.web.admin import fields
from callback.web.catalogue import gettext
from callback.web.context import house, recorded_queue
from callback.web.guards import Role, signed_in
from callback.web.pages import page

KEPT = 500
"""So many versions back somebody may look; older ones stay in the record."""
PAGE = 20


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/queues/<key>/versions")(versions)
    console.post("/queues/<key>/revert/<int:version>")(revert)


@dataclass(frozen=True)
class Change:
    """One field that a version changed, before and after."""

    field: Any
    before: str
    after: str


@signed_in(Role.VIEWER)
def versions(key: str) -> str:
    """The page: a list, and two of them compared."""
    queue = recorded_queue(key)
    found = latest(key)
    known = {one.version: one for one in found}
    newer, older = _chosen("to", queue.version, known), _chosen("from", max(queue.version - 1, 1), known)
    begin = _number("before") or queue.version + 1
    listed = [pair for pair in with_changes(found) if pair[0].version < begin]
    return page(
        "admin/versions.html", queue=queue, tab="versions", known=found, older=older, newer=newer,
        compared=differences(known[older].policy, known[newer].policy), history=listed[:PAGE],
        further=listed[PAGE - 1][0].version if len(listed) > PAGE else None, first=begin > queue.version,
    )  # fmt: skip


@signed_in(Role.SUPERVISOR)
def revert(key: str, version: int) -> AnyResponse:
    """Make an earlier version the next one."""
    earlier = next((one for one in latest(key) if one.version == version), None)
    if earlier is None:
        abort(404)
    who, why = doer(), f"back to version {version}"
    changes = policies.to_json(earlier.policy)
    configure.put_policy(house(), QueueKey(key), changes, by=who.by, role=who.role, what=What.POLICY_REVERT, why=why)
    flash(gettext("Version %(version)s is in force again.", version=version))
    return redirect(url_for("admin.queue", key=key), 303)


def latest(key: str, limit: int = KEPT) -> list[PolicyVersion]:
    """Newest first."""
    with house().store.look() as work:
        return work.policies(QueueKey(key), limit=limit)


def with_changes(found: Sequence[PolicyVersion]) -> list[tuple[PolicyVersion, list[Change]]]:
    """Newest first, each with what it changed against the one before."""
    before = [*found[1:], None]
    return [
        (one, differences(previous.policy, one.policy) if previous else [])
        for one, previous in zip(found, before, strict=True)
    ]


def differences(before: Policy, after: Policy) -> list[Change]:
    """The fields in which two policies differ."""
    old, new = policies.to_json(before), policies.to_json(after)
    return [
        Change(fields.label(name), fields.said(name, old[name]), fields.said(name, new[name]))
        for name in new
        if old[name] != new[name]
    ]


def _chosen(name: str, otherwise: int, known: dict[int, PolicyVersion]) -> int:
    number = _number(name)
    return number if number in known else otherwise


def _number(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None
