"""What trials have in common: agents kept busy and set free, promises kept, and the carrier asked no more than once."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.support.chaos.stage import Round, Stage
from tests.support.waiting import eventually

CALLS = r"/Calls\.json$"
"""The carrier's resource where calls are created."""
PRESSES: dict[str, Any] = {"on_say": [{"match": "ress 1|请按", "press": "1"}], "after_s": 1}
"""An agent who answers and presses their key."""


def fill(stage: Stage) -> str:
    """Keep the first agent talking."""
    return stage.shop.occupy()


def free(stage: Stage, filler: str | None) -> None:
    """That agent puts the phone down."""
    if filler:
        stage.house.carrier.hang_up(filler)


def free_all(played: Round, fillers: list[str | None]) -> None:
    """All of them, as nearly at once as can be."""
    for stage, filler in zip(played.stages, fillers, strict=True):
        free(stage, filler)


def promises(played: Round) -> list[str]:
    """One caller a shop, promised by telephone or by a program; "" where that went wrong."""
    return [number or "" for number in played.each(lambda stage: stage.promise())]


def rung_once(stage: Stage, number: str) -> None:
    """The carrier was asked for one call to them, ever. Raises AssertionError."""
    asked = stage.house.carrier.creations(number)
    assert asked == [number], f"the carrier was asked {len(asked)} times for {number}"


def serve_all(played: Round, *, once: bool = True) -> None:
    """Everybody promised is rung, talks and rings off."""

    def one(stage: Stage) -> None:
        for number in stage.case.promised:
            stage.served(number)
        stage.well()
        for number in stage.case.promised:
            if once:
                rung_once(stage, number)

    played.each(one)


def until_asked(played: Round, numbers: list[str], *, every_s: float = 0.02) -> None:
    """Wait until the carrier was asked for all of them."""
    wanted = {number for number in numbers if number}
    eventually(
        lambda: set(played.house.carrier.creations(*wanted)) == wanted,
        within_s=30, every_s=every_s, what="the carrier was asked for everybody",
    )  # fmt: skip


def exactly(text: str) -> str:
    """A pattern for a telephone number."""
    return text.replace("+", r"\+")


@contextmanager
def misbehaving(played: Round, **rule: Any) -> Iterator[None]:
    """The carrier does this to everybody meanwhile."""
    made = played.house.carrier.do("POST", "faults", rule)["id"]
    try:
        yield
    finally:
        played.house.carrier.do("DELETE", f"faults/{made}")


def held(stage: Stage, **form: str) -> list[Mapping[str, Any]]:
    """The webhooks held back by a rule that say this, in order of arrival."""
    waiting = stage.house.carrier.do("GET", "held")["held"]
    return [one for one in waiting if all(one["form"].get(name) == value for name, value in form.items())]


def let_go(stage: Stage, webhook: Mapping[str, Any]) -> None:
    """One of them arrives now."""
    stage.house.carrier.do("POST", f"held/{webhook['id']}/release")


def sent_again(stage: Stage, sid: str, *paths: str) -> int:
    """Everything the carrier ever told about a leg comes once more, signed; how many answers were errors."""
    wrong = 0
    for entry in stage.house.carrier.ledger("webhook", sid=sid):
        if not paths or entry["url"].partition("?")[0].endswith(paths):
            status, _ = stage.house.webhook(entry["url"], entry["form"])
            wrong += status >= 400
    return wrong
