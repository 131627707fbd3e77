"""A wording as it would be heard: the document that the carrier would get, made by what answers the carrier, with the
words in it that are only typed so far; or the text as it would be sent."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from callback.adapters.telephony import twiml
from callback.adapters.telephony.prompts import IN_THE_OTHER_LANGUAGE, OTHER, say
from callback.domain import wording as wordings
from callback.domain.dialogue import Prompt
from callback.domain.policy import Queue
from callback.domain.wording import BUILT_IN, HOUSE, Forms, InForce, Own, Sent
from callback.flows import scenes
from callback.flows.scenes import Stage
from callback.ports import House
from callback.web.admin.moments import TEXT_VALUES, is_text
from callback.web.context import house

ONE, SEVERAL = 1, 3
"""Places in line for which a counted sentence is heard."""
_SAY = re.compile(r'<Say language="([^"]*)" voice="([^"]*)">([^<]*)</Say>')


@dataclass(frozen=True)
class Spoken:
    """Words of a document in one voice: its language and its name, as the carrier has them."""

    tag: str
    voice: str
    text: str

    @property
    def language(self) -> str:
        """Of the two that there are."""
        return next(language for language, voice in twiml.VOICES.items() if voice.tag == self.tag)


@dataclass(frozen=True)
class Heard:
    """In one language: documents and what is spoken in them, or a text and how it is sent."""

    language: str
    documents: Sequence[str] = ()
    spoken: Sequence[Spoken] = ()
    text: str = ""
    sent: Sent | None = None


def tried(queue: str, sentence: str, texts: Mapping[str, Forms], owns: Sequence[Own]) -> InForce:
    """What is in force with `texts` in place of this sentence's own wording in `queue`."""
    others = [own for own in owns if (own.queue, own.sentence) != (queue, sentence)]
    mine = [Own(queue, sentence, language, forms) for language, forms in texts.items() if any(forms)]
    found = wordings.in_force([*others, *mine])
    return found.get(queue) or found.get(HOUSE, BUILT_IN)


def heard(sentence: str, language: str, stage: Stage, wording: InForce, *, counted: bool) -> Heard:
    """The sentence in `language`, once for each of its forms. `stage` is of the queue in which it is heard."""
    if is_text(sentence):
        body = say(Prompt(sentence, _text_values(stage)), language, wording)
        return Heard(language, text=body, sent=wordings.sent(body))
    spoken_in = OTHER[language] if sentence in IN_THE_OTHER_LANGUAGE else language
    places = (ONE, SEVERAL) if counted else (SEVERAL,)
    documents = [
        _document(house(), sentence, replace(stage, language=spoken_in, position=place), wording) for place in places
    ]
    return Heard(language, [laid_out(one) for one in documents], [said for one in documents for said in spoken(one)])


def _document(home: House, sentence: str, stage: Stage, wording: InForce) -> str:
    script = scenes.scene(sentence, stage)
    return "" if script is None else twiml.render(script, home.urls, wording=wording)


def _text_values(stage: Stage) -> dict[str, str | int | float]:
    url = house().urls.status_page("2f8kq0w7m5xv3c9t1z6hbn4d8r")
    return {**TEXT_VALUES, "queue": stage.queue.name, "url": url, **stage.at(14)}


def on_stage(queue: Queue, now: datetime, zone: str) -> Stage:
    """A call in this queue."""
    return Stage(queue, "en", now, zone)


def spoken(document: str) -> list[Spoken]:
    """What is said in a document, in order."""
    return [Spoken(*map(html.unescape, found)) for found in _SAY.findall(document)]


def laid_out(document: str) -> str:
    """A document in lines, so that people can read it; what stands in its elements and attributes is untouched."""
    lines, depth = [], 0
    for part in re.split(r"(?<=>)(?=<)", document):
        closing = part.startswith("</")
        depth -= closing
        lines.append("  " * depth + part)
        opening = part.startswith("<") and not part.startswith(("<?", "</")) and not part.endswith("/>")
        depth += opening and "</" not in part
    return "\n".join(lines)
