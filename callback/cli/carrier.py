"""`callback twilio`: what is set up at the carrier."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from callback.cli.house import open_house, settings, who
from callback.cli.output import as_json, note, show

if TYPE_CHECKING:
    from callback.adapters.telephony.numbers import OwnNumber, Webhooks
    from callback.domain.policy import Queue
    from callback.settings import Settings
    from callback.wiring import Built


@click.group()
def twilio() -> None:
    """Set up the carrier's side."""


@twilio.command()
@click.option("--number", required=True, help="A number of the account, in E.164.")
@click.option("--queue", "key", required=True, metavar="KEY", help="The queue it leads to.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@as_json
def provision(number: str, key: str, dry_run: bool, json_wanted: bool) -> None:
    """Point a number's webhooks here, and let it lead to a queue."""
    from callback import wiring
    from callback.adapters.telephony.numbers import webhooks_for
    from callback.domain.ids import QueueKey

    known = settings()
    check_reachable(known)
    numbers = wiring.own_numbers(known)
    try:
        with open_house() as built:
            with built.store.begin() as work:
                queue = work.queue(QueueKey(key))
            found = number_of_account(numbers.find(normal(number)), number)
            wanted = webhooks_for(known.public_base_url, key)
            if not dry_run:
                lead(built, queue, found.number)
                numbers.point(found, wanted)
    finally:
        numbers.close()
    note("nothing was changed" if dry_run else f"{found.number} leads to {key}")
    show(change_json(found, wanted, queue, dry_run), json_wanted, change_text(found, wanted))


def check_reachable(known: "Settings") -> None:
    """Raises ClickException where the carrier could never ask us anything."""
    if known.simulated:
        raise click.ClickException(
            "there is no carrier account: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (`callback run` without them "
            "simulates the carrier and needs no provisioning)"
        )
    from callback.doctor import on_this_machine

    host = urlsplit(known.public_base_url).hostname or ""
    if known.twilio_api_base_url is None and on_this_machine(host):
        raise click.ClickException(
            f"PUBLIC_BASE_URL is {known.public_base_url}, which the carrier cannot reach: "
            "set it to the address that leads here from the internet, such as https://calls.example.com"
        )


def normal(number: str) -> str:
    """In E.164. Raises InvalidInput."""
    from callback.domain import phone

    return phone.of_ours(number)


def number_of_account(found: "OwnNumber | None", number: str) -> "OwnNumber":
    """Raises ClickException for a number of somebody else."""
    if found is None:
        raise click.ClickException(
            f"{number} is no number of this account: buy it there first, or check its digits and TWILIO_ACCOUNT_SID"
        )
    return found


def lead(built: "Built", queue: "Queue", number: str) -> None:
    """The number among those of the queue. Raises InvalidInput where it leads to another."""
    from callback.domain.ids import QueueKey
    from callback.flows import configure

    if number not in queue.numbers:
        numbers = (*queue.numbers, number)
        configure.put_queue(built.house, QueueKey(queue.key), name=queue.name, numbers=numbers, by=who())


def change_json(found: "OwnNumber", wanted: "Webhooks", queue: "Queue", dry_run: bool) -> dict[str, Any]:
    """Before and after."""
    return {
        "number": found.number,
        "queue": queue.key,
        "dry_run": dry_run,
        "before": asdict(found.webhooks),
        "after": asdict(wanted),
    }


def change_text(found: "OwnNumber", wanted: "Webhooks") -> str:
    """The same, a line for what stays and two for what changes."""
    lines = [found.number]
    after = asdict(wanted)
    for name, url in asdict(found.webhooks).items():
        if url == after[name]:
            lines.append(f"  {name:<19}  {url}")
        else:
            lines += [f"- {name:<19}  {url or 'nowhere'}", f"+ {name:<19}  {after[name]}"]
    if found.bypassed:
        lines.append(f"- {found.bypassed:<19}  set, which the carrier prefers to any voice URL")
    return "\n".join(lines)
