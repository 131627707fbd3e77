"""`callback queue`: queues, the numbers that lead to them, and their policies."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from callback.cli.house import open_house, who
from callback.cli.output import as_json, note, show, table

if TYPE_CHECKING:
    from callback.domain.policy import Queue

KEY = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"


def key_of(_: click.Context, __: click.Parameter, value: str) -> str:
    """A key as it may stand in URLs and in the carrier's queue names. Raises BadParameter."""
    import re

    if not re.fullmatch(KEY, value):
        raise click.BadParameter("use 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit")
    return value


@click.group()
def queue() -> None:
    """Add, change and list queues."""


@queue.command("add")
@click.argument("key", callback=key_of)
@click.option("--name", help="What people call it; the key unless given.")
@click.option("--number", "numbers", multiple=True, help="A number that leads to it, in E.164 (repeatable).")
@click.option("--policy", help="Policy fields as JSON, or @FILE.")
@as_json
def add(key: str, name: str | None, numbers: tuple[str, ...], policy: str | None, json_wanted: bool) -> None:
    """Create a queue, or change its name, numbers and policy."""
    from callback.domain.ids import QueueKey
    from callback.flows import configure

    changes = policy_of(policy)
    with open_house() as built:
        with built.store.begin() as work:
            before = {known.key: known for known in work.queues()}.get(key)
        made = configure.put_queue(
            built.house,
            QueueKey(key),
            name=name or (before.name if before else key),
            numbers=numbers or None,
            policy=changes,
            by=who(),
        )
    note(f"{'changed' if before else 'added'} the queue {key}")
    show(queue_json(made), json_wanted, queue_text(made))


@queue.command("set")
@click.argument("key")
@click.argument("changes", nargs=-1, required=True, metavar="FIELD=VALUE...")
@click.option("--why", default="", help="Kept with this version of the policy.")
@as_json
def change(key: str, changes: tuple[str, ...], why: str, json_wanted: bool) -> None:
    """Change fields of a queue's policy: values are JSON, such as offer_at_wait_s=90 or hours=null."""
    from callback.domain.ids import QueueKey
    from callback.flows import configure

    wanted = dict(assignment(change) for change in changes)
    with open_house() as built:
        made = configure.put_policy(built.house, QueueKey(key), wanted, by=who(), why=why)
    note(f"the policy of {key} is now version {made.version}")
    show(queue_json(made), json_wanted, "\n".join(f"{field} = {value_text(made, field)}" for field in wanted))


@queue.command("list")
@as_json
def list_queues(json_wanted: bool) -> None:
    """Every queue at this moment."""
    from callback.flows import look

    with open_house() as built:
        found = look.queues_now(built.house)
        data = {"items": [look.queue_json(now) for now in found], "next": None}
    rows = [
        (
            now.queue.key,
            now.queue.name,
            ", ".join(now.queue.numbers) or "none",
            now.standing.live,
            now.standing.callbacks,
            now.agents()["available"],
            now.outlook.decision.sentence,
        )
        for now in found
    ]
    head = ("KEY", "NAME", "NUMBERS", "LIVE", "CALLBACKS", "FREE", "OFFER")
    show(data, json_wanted, table(head, rows, "no queue yet: `callback queue add KEY --number +1…`"))


def policy_of(text: str | None) -> dict[str, Any] | None:
    """The policy in `text` or in the file it names. Raises BadParameter."""
    if text is None:
        return None
    try:
        found = json.loads(Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text)
    except (OSError, ValueError) as unread:
        raise click.BadParameter(f"cannot be read as JSON: {unread}", param_hint="--policy") from None
    if not isinstance(found, dict):
        raise click.BadParameter('must be an object such as {"offer_at_wait_s": 90}', param_hint="--policy")
    return found


def assignment(text: str) -> tuple[str, Any]:
    """`field=value`; a value that is no JSON is a word, so that dial_mode=agent_first needs no quotes."""
    field, equals, value = text.partition("=")
    if not equals or not field:
        raise click.BadParameter(f"{text!r} is not FIELD=VALUE", param_hint="changes")
    try:
        return field, json.loads(value)
    except ValueError:
        return field, value


def queue_json(queue: "Queue") -> dict[str, Any]:
    """A queue as it is configured."""
    from callback.domain import policies

    return {
        "key": queue.key,
        "name": queue.name,
        "numbers": list(queue.numbers),
        "policy": policies.to_json(queue.policy),
        "policy_version": queue.version,
    }


def queue_text(queue: "Queue") -> str:
    """The same in a line."""
    return f"{queue.key}  {queue.name}  {', '.join(queue.numbers) or 'no numbers'}  policy {queue.version}"


def value_text(queue: "Queue", field: str) -> str:
    """One field of the policy as JSON."""
    return json.dumps(queue_json(queue)["policy"][field], ensure_ascii=False)
