"""The form of one sentence's wording: what is on record, what was typed, and what has to be mended in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import abort, request

from callback.domain import wording as wordings
from callback.domain.ids import QueueKey
from callback.domain.policy import Queue
from callback.domain.wording import HOUSE, Fault, Forms, Wording, Wrong
from callback.flows import prompts as flow
from callback.flows.prompts import UNTOUCHED, Unfit
from callback.ports import Work
from callback.web.admin.moments import MOMENTS, Chip, Moment, chips
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.languages import LANGUAGES

HISTORY = 20
Texts = Mapping[str, Forms]


@dataclass(frozen=True)
class Input:
    """One text of the form. `label` is "" unless the sentence is counted."""

    name: str
    language: str
    label: str
    value: str
    built_in: str
    needed: Sequence[Chip]
    also: Sequence[Chip] = ()
    mistake: str = ""


@dataclass
class Form:
    """What the page of one sentence is made from: where it is worded, and what was typed, if anything was."""

    queue: Queue | None
    moment: Moment
    known: list[Wording]
    inherited: dict[str, Forms]
    owns: list[wordings.Own]
    typed: dict[str, Forms] = field(default_factory=dict)
    mistakes: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The queue, or the house."""
        return self.queue.key if self.queue else HOUSE

    @property
    def base(self) -> int:
        """The version that is looked at."""
        return self.known[0].version if self.known else UNTOUCHED

    @property
    def own(self) -> Texts:
        """What is worded otherwise here."""
        return self.known[0].texts if self.known else {}

    @property
    def from_house(self) -> bool:
        """Whether a queue says what was worded for all."""
        return any(own.queue == HOUSE and own.sentence == self.moment.sentence for own in self.owns)

    def shown(self, language: str) -> Forms:
        """What stands in the form: what was typed, else what is said."""
        return self.typed.get(language) or self.own.get(language) or self.inherited[language]


def on_record(sentence: str) -> Form:
    """What is on record. Aborts where nothing of that name is said."""
    moment = MOMENTS.get(sentence)
    if moment is None:
        abort(404)
    with house().store.look() as work:
        queue = None if moment.everywhere else named_queue(work)
        key = queue.key if queue else HOUSE
        return Form(
            queue, moment, work.wording_versions(key, sentence, limit=HISTORY),
            {language: flow.inherited(house(), work, key, sentence, language) for language in LANGUAGES},
            wordings.published(work.wordings()),
        )  # fmt: skip


def named_queue(work: Work) -> Queue | None:
    """The queue that the address or the form names. Raises NotFound."""
    key = request.values.get("queue", "")
    return work.queue(QueueKey(key)) if key else None


def typed(sentence: str) -> Form:
    """The same with what stands in the form that was sent."""
    form = on_record(sentence)
    for language in LANGUAGES:
        stand = form.shown(language)  # and stays so, where the page that sent this has no such text
        form.typed[language] = tuple(
            wordings.tidy(request.form.get(f"{language}{at}", "".join(stand[at : at + 1])))
            for at in range(len(form.inherited[language]))
        )
    return form


def mistakes_of(unfit: Unfit) -> dict[str, str]:
    """By the name of the input."""
    return {f"{language}{one.at}": _mend(one) for language, found in unfit.found.items() for one in found}


def _mend(fault: Fault) -> str:
    """What is wrong, and what to do about it."""
    named = ", ".join(f"{{{name}}}" for name in fault.about)
    words = {
        Wrong.EMPTY: lambda: gettext("Word this as well, or empty both to go back to the words before."),
        Wrong.LONG: lambda: gettext(
            "This has %(are)s characters. At most %(most)s fit.", are=fault.about[1], most=fault.about[0]
        ),
        Wrong.UNSPEAKABLE: lambda: gettext(
            "There is a character that cannot be said (%(code)s). Take it out, or type the text anew.",
            code=fault.about[0],
        ),
        Wrong.BRACE: lambda: gettext("A brace { or } stands alone. Braces only mark places, such as {queue}."),
        Wrong.UNKNOWN: lambda: gettext(
            "%(places)s is not known here. Use the places below the text, or take it out.", places=named
        ),
        Wrong.MISSING: lambda: gettext(
            "%(places)s is missing: without it, people do not learn it. Put it in.", places=named
        ),
    }
    return words[fault.wrong]()


def inputs(form: Form) -> dict[str, list[Input]]:
    """The fields of the page, by language."""
    return {language: list(_inputs_in(form, language)) for language in LANGUAGES}


def _inputs_in(form: Form, language: str) -> Sequence[Input]:
    built_in = house().words.built_in(form.moment.sentence, language)
    labels = (gettext("For the first in line"), gettext("For everybody else")) if len(built_in) > 1 else ("",)
    every = dict.fromkeys(name for one in built_in for name in wordings.places(one))
    found = []
    for at, (label, value, without) in enumerate(zip(labels, form.shown(language), built_in, strict=True)):
        needed, name = wordings.places(without), f"{language}{at}"
        also = chips([place for place in every if place not in needed])
        found.append(Input(name, language, label, value, without, chips(needed), also, form.mistakes.get(name, "")))
    return found
