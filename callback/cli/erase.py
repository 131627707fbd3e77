"""`callback erase`: somebody wants to be forgotten."""

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from callback.cli.house import open_house, settings, who
from callback.cli.output import as_json, show, table

if TYPE_CHECKING:
    from callback.domain.erasure import Erasure, Export
    from callback.flows.erase import Holdings, Person
    from callback.ports import House

WAIT_S = 20.0
"""How long a carrier that still has a call to end, or a worker who does it for us, is waited for."""
LOOK_S = 0.5
KEPT = {
    "opt_outs": "wants no texts",
    "suppressed": "is never rung",
    "carrier_events": "reports of calls, by id",
    "predictions": "waits that were told, by id",
    "quarantine": "failures, by id",
    "journal": "changes, by id",
}
"""What stays, since it names nobody or protects them."""
PROTECTION = ("opt_outs", "suppressed")


@click.command()
@click.option("--number", metavar="+1…", help="Whoever has this number.")
@click.option("--callback", "callback_id", metavar="ID", help="Whoever is behind this callback.")
@click.option("--dry-run", is_flag=True, help="Only say what there is.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--forget-protection", is_flag=True, help="Also forget that the number must not be rung or texted.")
@click.option("--not-at-carrier", is_flag=True, help="Leave the carrier's records as they are.")
@click.option("--list", "list_wanted", is_flag=True, help="Who was to be forgotten, and how far that has come.")
@as_json
def erase(
    number: str | None,
    callback_id: str | None,
    dry_run: bool,
    yes: bool,
    forget_protection: bool,
    not_at_carrier: bool,
    list_wanted: bool,
    json_wanted: bool,
) -> None:
    """Forget somebody, here and at the carrier.

    Reaches the record, the line, queued work and the carrier's records. Open callbacks are cancelled first. Rows stay,
    without number, name and words, so that counts and the journal hold.

    What cannot be done now (they are on the phone, the carrier is away) is finished by the workers; exit code 1 until
    then. Asking again is safe.
    """
    from callback.domain.acts import Doer
    from callback.flows import erase as erasing

    if list_wanted:
        show_list(json_wanted)
        return
    if bool(number) == bool(callback_id):
        raise click.UsageError("give --number or --callback: who is to be forgotten?")
    if json_wanted and not (yes or dry_run):
        raise click.UsageError("--json asks nothing: add --yes or --dry-run")
    with open_house(only_look=True) as built:
        house = built.house
        someone = erasing.person(built.store, number=number, callback=callback_id)
        held = erasing.holdings(house, someone)
        if dry_run:
            show(held_json(someone, held), json_wanted, held_text(someone, held))
            return
        if not yes:
            click.echo(held_text(someone, held), err=True)
            click.confirm("Forget all of it? This cannot be undone", abort=True, err=True)
        asked = erasing.ask(
            house, someone, doer=Doer(who()), protection=forget_protection, at_carrier=not not_at_carrier
        )
        done = finished(house, asked.id, here_only=settings().simulated)
    show(done_json(someone, held, done), json_wanted, done_text(held, done))
    if not is_done(done):
        sys.exit(1)


def is_done(erasure: "Erasure") -> bool:
    """Whether nothing is left to do but look once more."""
    from callback.domain.erasure import Stage

    return erasure.stage is Stage.DONE


def finished(house: "House", id: str, *, here_only: bool) -> "Erasure":
    """As far as it goes within a while. `here_only`: this process knows no carrier, the workers do."""
    from callback.flows import erase as erasing

    deadline = time.monotonic() + WAIT_S
    erasure = erasing.go_on(house, id, here_only=here_only)
    while not is_done(erasure) and erasure.error in ("", erasing.GOING_ON) and time.monotonic() < deadline:
        if here_only or erasure.error:
            time.sleep(LOOK_S)
        if here_only:
            with house.store.look() as work:
                erasure = work.erasure(id)
        else:
            erasure = erasing.go_on(house, id)
    return erasure


# --- what there is --------------------------------------------------------------------------------------------------


def held_json(someone: "Person", held: "Holdings") -> dict[str, Any]:
    """What is held, without changing it. The number is masked."""
    from callback.domain import phone

    return {
        "number": phone.mask(someone.number) if someone.number else None,
        "held": dict(held.found),
        "open_callbacks": list(held.promises),
        "calls_going_on": held.calls,
        "exports": [export_json(one) for one in held.exports],
        "works_here": held.works_here,
    }


def export_json(export: "Export") -> dict[str, Any]:
    """Something that was taken out, and may have them."""
    return {"id": export.id, "at": export.at.isoformat(), "by": export.by, "kind": export.kind, "place": export.place}


def held_text(someone: "Person", held: "Holdings") -> str:
    """For people, before they are asked."""
    from callback.domain import phone

    whom = phone.mask(someone.number) if someone.number else "a number that cannot be read"
    rows = [(place, f"{count:,}", KEPT.get(place, "")) for place, count in held.found.items()]
    lines = [f"on {whom}:", table(("where", "rows", "stays, since it names nobody"), rows, "  nothing is held here")]
    if held.promises:
        lines.append(f"{len(held.promises)} open: cancelled first")
    if held.calls:
        lines.append("they are on the phone with us: finished when the call has ended")
    if held.works_here:
        lines.append("an agent has this number: that is configuration, change it with `callback agent add`")
    return "\n".join([*lines, *exports_text(held)])


def exports_text(held: "Holdings") -> list[str]:
    """The files that nobody but their owner can delete."""
    files = [one for one in held.exports if one.place]
    lines = [f"  {one.at:%Y-%m-%d}  {one.kind:<7} {one.place}" for one in files]
    return ["files that may have them; delete or redact them yourself:", *lines] if files else []


# --- what was done --------------------------------------------------------------------------------------------------


def done_json(someone: "Person", held: "Holdings", erasure: "Erasure") -> dict[str, Any]:
    """Everything about it."""
    return held_json(someone, held) | erasure_json(erasure) | {"done": is_done(erasure)}


def erasure_json(erasure: "Erasure") -> dict[str, Any]:
    """How far it has come."""
    return {
        "id": erasure.id,
        "stage": erasure.stage,
        "asked_at": erasure.asked_at.isoformat(),
        "by": erasure.by,
        "done_at": erasure.done_at.isoformat() if erasure.done_at else None,
        "erased": dict(erasure.found),
        "left_at_carrier": len(erasure.records),
        "error": erasure.error or None,
    }


def done_text(held: "Holdings", erasure: "Erasure") -> str:
    """For people, afterwards."""
    stays = {place: count for place, count in held.found.items() if place in KEPT and place not in erasure.found}
    rows = [(place, f"{count:,}", "erased") for place, count in erasure.found.items()]
    rows += [(place, f"{count:,}", f"stays: {KEPT[place]}") for place, count in stays.items()]
    lines = [table(("where", "rows", ""), rows, "nothing was held here"), *exports_text(held)]
    if any(place in stays for place in PROTECTION):
        lines.append("what protects them stays: --forget-protection takes it away")
    if is_done(erasure):
        carrier = "forgotten here and at the carrier" if erasure.at_carrier else "forgotten here"
        return "\n".join([*lines, f"{carrier}: erasure {erasure.id}"])
    where = "forgotten here; at the carrier not yet" if erasure.blanked_at else "not yet forgotten"
    why = f" ({erasure.error})" if erasure.error else ""
    return "\n".join([*lines, f"{where}{why}: the workers go on with erasure {erasure.id}"])


def show_list(json_wanted: bool) -> None:
    """The wishes so far, newest first."""
    from callback.cli.house import open_store

    with open_store() as store, store.look() as work:
        known = work.erasures()
    rows = [
        (one.id, f"{one.asked_at:%Y-%m-%d %H:%M}", one.stage, sum(one.found.values()), one.by, one.error)
        for one in known
    ]
    head = ("erasure", "asked at", "stage", "rows", "by", "")
    show([erasure_json(one) for one in known], json_wanted, table(head, rows, "nobody has asked to be forgotten"))
