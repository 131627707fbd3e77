"""Every document of a call while a part of us is away: valid, and sensible by ear in both languages.

What is said is read here sentence by sentence, for the record away, the line away, and both; and the telephones do what
they are told.
"""

from pathlib import Path
from typing import Any

import pytest
import xmlschema

from callback.adapters.telephony.prompts import say
from callback.domain.dialogue import Prompt
from callback.emulator import twiml
from callback.flows import journey
from tests.support.carrier_requests import REQUESTS
from tests.support.house import StagedHouse
from tests.support.legs import Document

SCHEMAS = Path(__file__).parents[2].parent / "shared" / "twilio"
AWAY = {"record": frozenset({"store"}), "line": frozenset({"line"}), "both": frozenset({"store", "line"})}

# What is heard, as ids of sentences with the verb that ends the document. ... where all goes as ever.
AS_EVER = ["..."]
HOLDS = ["trouble", "Enqueue"]
REFUSED = ["trouble_no_callback", "stay", "Enqueue"]
RUNG = ["trouble", "Redirect"]
AGENT = ["trouble_agent", "Redirect"]
HEARD: dict[str, dict[str, list[str]]] = {
    "incoming": {"record": AS_EVER, "line": HOLDS, "both": HOLDS},
    "offer": {"record": AS_EVER, "line": AS_EVER, "both": AS_EVER},  # reads back the number: the last key decides
    "confirm": {"record": REFUSED, "line": REFUSED, "both": REFUSED},
    "number": {"record": AS_EVER, "line": AS_EVER, "both": AS_EVER},
    "later": {"record": AS_EVER, "line": AS_EVER, "both": AS_EVER},
    "already": {"record": RUNG, "line": RUNG, "both": RUNG},
    "wait": {"record": AS_EVER, "line": ["Play"], "both": ["Play"]},
    "held": {"record": AS_EVER, "line": ["Play"], "both": ["Play"]},
    "left": {"record": AS_EVER, "line": HOLDS, "both": HOLDS},
    "connect": {"record": AS_EVER, "line": HOLDS, "both": HOLDS},
    "back": {"record": AS_EVER, "line": AS_EVER, "both": AS_EVER},
    "dialled": {"record": AS_EVER, "line": HOLDS, "both": HOLDS},
    "agent/whisper": {"record": AS_EVER, "line": AGENT, "both": AGENT},
    "agent/key": {"record": AS_EVER, "line": AGENT, "both": AGENT},
    "agent/first": {"record": AGENT, "line": AGENT, "both": AGENT},
    "agent/first/key": {"record": AGENT, "line": AGENT, "both": AGENT},
    "agent/after": {"record": AS_EVER, "line": ["Hangup"], "both": ["Hangup"]},
    "agent/unreached": {"record": AS_EVER, "line": AS_EVER, "both": AS_EVER},
    "agent/test": {"record": AGENT, "line": AS_EVER, "both": AGENT},
    "agent/test/key": {"record": AGENT, "line": AS_EVER, "both": AGENT},
    "desk/room": {"record": ["Dial"], "line": ["Dial"], "both": ["Dial"]},
    "desk/after": {"record": AS_EVER, "line": ["Hangup"], "both": ["Hangup"]},
    "desk/caller": {"record": ["Gather"], "line": ["Gather"], "both": ["Gather"]},
    "desk/forwarded": {"record": AS_EVER, "line": HOLDS, "both": HOLDS},
    "desk/consult": {"record": ["Dial"], "line": ["Dial"], "both": ["Dial"]},
    "desk/consulted": {"record": ["Dial"], "line": ["Dial"], "both": ["Dial"]},
    "desk/other": {"record": AGENT, "line": AGENT, "both": AGENT},
    "desk/other/key": {"record": AGENT, "line": AGENT, "both": AGENT},
    "desk/other/joined": {"record": AS_EVER, "line": AS_EVER, "both": AS_EVER},
    "desk/other/room": {"record": ["Dial"], "line": ["Dial"], "both": ["Dial"]},
    "desk/other/after": {"record": ["Hangup"], "line": AS_EVER, "both": ["Hangup"]},
    "fallback": {"record": HOLDS, "line": HOLDS, "both": HOLDS},
    "callback": {"record": RUNG, "line": RUNG, "both": RUNG},
    "callback/key": {"record": RUNG, "line": HOLDS, "both": RUNG},
}


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema10 | None:
    path = SCHEMAS / "twiml_v20100401_twilioRealtimeCallSchema.xsd"
    return xmlschema.XMLSchema10(str(path), allow="local") if path.exists() else None


def expected(ids: list[str], language: str) -> str:
    return " ".join(say(Prompt(one), language) for one in ids[:-1])


def plain(text: str) -> str:
    return text.replace(" ", "")


def speaking(staged: StagedHouse, language: str) -> None:
    """Whatever queue is made from now on speaks this language alone."""
    usual = staged.queue

    def queue(*args: Any, **policy: Any) -> None:
        usual(*args, languages=[language], **policy)

    staged.queue = queue  # type: ignore[method-assign]


def test_every_document_is_thought_of() -> None:
    assert set(HEARD) == set(journey.DOCUMENTS)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("away", AWAY)
@pytest.mark.parametrize("step", HEARD)
def test_what_is_heard_while_a_part_of_us_is_away(
    staged: StagedHouse, schema: xmlschema.XMLSchema10 | None, step: str, away: str, language: str
) -> None:
    speaking(staged, language)
    ready = REQUESTS[step](staged)
    staged.steps.away = AWAY[away]
    text = staged.post(ready.url, ready.form)
    staged.steps.away = frozenset()
    document = Document(text, twiml.parse(text, ready.mode))
    if schema is not None:
        schema.validate(text)
    wanted = HEARD[step][away]
    if wanted == AS_EVER:
        assert "problem" not in document.says
        assert "故障" not in document.says
        return
    assert plain(document.says) == plain(expected(wanted, language))
    assert document.names[-1] == wanted[-1]
