"""`callback twilio`: what is set up at the carrier."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from callback.cli.house import open_house, settings, who
from callback.cli.output import as_json, note, show

if TYPE_CHECKING:
    from callback.flows.provision import Way
    from callback.settings import Settings


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
    from callback.domain.acts import Doer
    from callback.domain.ids import QueueKey
    from callback.flows import provision as pointing

    check_reachable(settings())
    with open_house() as built:
        try:
            way = pointing.look_up(built.house, number, QueueKey(key))
        except pointing.NotOurs:
            raise click.ClickException(
                f"{number} is no number of this account: buy it there first, or check its digits and TWILIO_ACCOUNT_SID"
            ) from None
        if not dry_run:
            pointing.point(built.house, way, Doer(who()))
    note("nothing was changed" if dry_run else f"{way.found.number} leads to {key}")
    show(change_json(way, dry_run), json_wanted, change_text(way))


def check_reachable(known: "Settings") -> None:
    """Raises ClickException where the carrier could never ask us anything."""
    if known.simulated:
        raise click.ClickException(
            "there is no carrier account: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (`callback run` without them "
            "simulates the carrier and needs no provisioning)"
        )
    from callback.domain.numbers import on_this_machine

    if known.twilio_api_base_url is None and on_this_machine(known.public_base_url):
        raise click.ClickException(
            f"PUBLIC_BASE_URL is {known.public_base_url}, which the carrier cannot reach: "
            "set it to the address that leads here from the internet, such as https://calls.example.com"
        )


def change_json(way: "Way", dry_run: bool) -> dict[str, Any]:
    """Before and after."""
    return {
        "number": way.found.number,
        "queue": way.queue.key,
        "dry_run": dry_run,
        "before": asdict(way.found.webhooks),
        "after": asdict(way.wanted),
    }


def change_text(way: "Way") -> str:
    """The same, a line for what stays and two for what changes."""
    lines = [way.found.number]
    after = asdict(way.wanted)
    for name, url in asdict(way.found.webhooks).items():
        if url == after[name]:
            lines.append(f"  {name:<19}  {url}")
        else:
            lines += [f"- {name:<19}  {url or 'nowhere'}", f"+ {name:<19}  {after[name]}"]
    if way.found.bypassed:
        lines.append(f"- {way.found.bypassed:<19}  set, which the carrier prefers to any voice URL")
    return "\n".join(lines)
