"""docs/protocol.md says what the code does: its table and its diagram are the table of moves, and its figures hold."""

import re
from pathlib import Path

from callback.domain.lifecycle import ENDS, MOVES
from callback.domain.policy import Policy
from callback.flows import ask, cancel, reconcile, settle, silence
from callback.ports import Knobs

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
TABLE = {(before.value if before else "(none)", event.value, after.value) for (before, event), after in MOVES.items()}
ROW = re.compile(r"^\| (\(none\)|[a-z]+) \| ([a-z_]+) \| ([a-z]+) \| .+ \|$", re.MULTILINE)
ARROW = re.compile(r"^    (\[\*\]|[a-z]+) --> ([a-z]+): ([a-z_]+)$", re.MULTILINE)
END = re.compile(r"^    ([a-z]+) --> \[\*\]$", re.MULTILINE)
CODE = re.compile(r"`((?:[a-z_]+)\.(?:[a-zA-Z_]+))`")


def test_the_table_of_moves_is_the_one_in_the_code() -> None:
    rows = ROW.findall(TEXT.partition("| from | event | to | when |\n|---|")[2].partition("\n\n")[0])
    assert len(rows) == len(set(rows))
    assert set(rows) == TABLE


def test_the_diagram_shows_every_move_and_no_other() -> None:
    arrows = {("(none)" if before == "[*]" else before, event, after) for before, after, event in ARROW.findall(TEXT)}
    assert arrows == TABLE
    assert set(END.findall(TEXT)) == {state.value for state in ENDS}


def test_every_function_that_is_named_exists() -> None:
    flows = ROOT / "callback" / "flows"
    for name in CODE.findall(TEXT):
        module, _, word = name.partition(".")
        source = flows / f"{module}.py"
        if source.exists():
            assert re.search(rf"^(def |class )?{word}\b", source.read_text(encoding="utf-8"), re.MULTILINE), name


def test_the_figures_are_those_of_the_code() -> None:
    knobs = Knobs()
    bound_s = knobs.sweep_s + Policy().ring_timeout_s + knobs.carrier_queue_s + knobs.reconcile_margin_s
    assert f"{bound_s:.0f} s with the\ndefaults" in TEXT
    assert f"= {cancel.LOOK_S * cancel.LOOKS:.0f} s for the carrier's answer" in TEXT
    assert f"`ask.ASK_WITHIN` = {ask.ASK_WITHIN.total_seconds()} s" in TEXT
    assert f"for {reconcile.STILL_UP.total_seconds():.0f} s" in TEXT
    assert f"`silence.HEARTBEAT` = {silence.HEARTBEAT.total_seconds():.0f} s" in TEXT
    assert f"{settle.TOLD_WITHIN.total_seconds():.0f} s (`settle.TOLD_WITHIN`)" in TEXT


def test_a_cancel_waits_longer_than_a_worker_may_hesitate() -> None:
    assert ask.ASK_WITHIN.total_seconds() < cancel.LOOK_S * cancel.LOOKS
