"""What callers hear and read, by the moment in which they meet it: looked through, worded otherwise for all queues or
for one, tried before it is saved, and taken back."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from callback.domain import wording as wordings
from callback.domain.ids import QueueKey
from callback.domain.policy import Policy, Queue
from callback.domain.wording import HOUSE, LONGEST, Fault, Forms, Wording, Wrong
from callback.flows import prompts as flow
from callback.flows.prompts import UNTOUCHED, Overtaken, Unfit
from callback.ports import Work
from callback.web import languages
from callback.web.acting import doer
from callback.web.admin import heard
from callback.web.admin.heard import Heard
from callback.web.admin.moments import GROUPS, MOMENTS, Chip, Group, Moment, chips, is_text
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.guards import Role, signed_in
from callback.web.languages import LANGUAGES
from callback.web.pages import fragment, in_house_zone, page

WHY = 200
HISTORY = 20
Answer = str | AnyResponse | tuple[str, int]
Texts = Mapping[str, Forms]


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/prompts")(prompts)
    console.get("/prompts/<sentence>")(prompt)
    console.post("/prompts/<sentence>")(save_prompt)
    console.post("/prompts/<sentence>/heard")(hear_prompt)
    console.post("/prompts/<sentence>/revert/<int:version>")(revert_prompt)


@dataclass(frozen=True)
class Said:
    """A sentence as it is said in one language, and whose words those are: own, house or built_in."""

    language: str
    text: str
    whose: str

    @property
    def parts(self) -> Sequence[tuple[str, bool]]:
        """The text in pieces, each with whether it is a place."""
        return [(part, at % 2 == 1) for at, part in enumerate(re.split(r"(\{\w+\})", self.text)) if part]


@dataclass(frozen=True)
class Row:
    """A sentence of the list."""

    moment: Moment
    said: Sequence[Said]

    @property
    def own(self) -> bool:
        """Whether it is worded otherwise here."""
        return any(one.whose == "own" for one in self.said)


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


# --- looking ------------------------------------------------------------------------------------------------------


@signed_in(Role.SUPERVISOR)
def prompts() -> str:
    """The list, for all queues or for one."""
    with house().store.look() as work:
        queues, queue = work.queues(), _queue(work)
        saved = {(one.queue, one.sentence): one.texts for one in work.wordings()}
    only_own = request.args.get("show") == "own"
    groups = [(group, _rows(group, queue.key if queue else HOUSE, saved, only_own)) for group in GROUPS]
    return page(
        "admin/prompts.html", at=queue, queues=queues, groups=[pair for pair in groups if pair[1]], only_own=only_own,
        counts=_counts(saved), tags=languages.TAGS,
    )  # fmt: skip


@signed_in(Role.SUPERVISOR)
def prompt(sentence: str) -> str:
    """One sentence, and its wording in every language."""
    return _shown(_form(sentence))


def _rows(group: Group, key: str, saved: Mapping[tuple[str, str], Texts], only_own: bool) -> list[Row]:
    rows = [Row(one, [_said(one, key, saved, language) for language in LANGUAGES]) for one in group.moments]
    return [row for row in rows if (row.own or not only_own) and not (key and row.moment.everywhere)]


def _said(moment: Moment, key: str, saved: Mapping[tuple[str, str], Texts], language: str) -> Said:
    own, house_s = (saved.get((where, moment.sentence), {}).get(language) for where in (key, HOUSE))
    forms = own or house_s or house().words.built_in(moment.sentence, language)
    whose = "own" if own else "house" if house_s else "built_in"
    return Said(language, " / ".join(forms), whose)


def _counts(saved: Mapping[tuple[str, str], Texts]) -> dict[str, int]:
    """How many sentences are worded otherwise, by queue."""
    counts: dict[str, int] = {}
    for (queue, sentence), texts in saved.items():
        if texts and sentence in MOMENTS:
            counts[queue] = counts.get(queue, 0) + 1
    return counts


# --- changing -----------------------------------------------------------------------------------------------------


@signed_in(Role.SUPERVISOR)
def save_prompt(sentence: str) -> Answer:
    """Save it: in force at once; or the form again with what to mend, or with what others saved meanwhile."""
    form = _typed(sentence)
    try:
        saved = flow.save(
            house(), form.key, sentence, form.typed, doer(), base=_base(form.base),
            why=request.form.get("why", "").strip()[:WHY],
        )  # fmt: skip
    except Unfit as unfit:
        form.mistakes = _mistakes(unfit)
        return _shown(form), 422
    except Overtaken as overtaken:
        theirs = {language: overtaken.now.get(language) or form.inherited[language] for language in overtaken.languages}
        return _shown(form, theirs=theirs), 409
    flash(gettext("Saved. It is said so from now on.") if saved else gettext("Nothing was changed."))
    return _to(form)


@signed_in(Role.SUPERVISOR)
def revert_prompt(sentence: str, version: int) -> Answer:
    """Make an earlier version the next one; 0 is what is said without an own wording. Raises NotFound."""
    form = _form(sentence)
    try:
        flow.revert(house(), form.key, sentence, version, doer())
    except Unfit:
        flash(gettext("That version no longer fits this sentence. Please word it anew."), "warn")
    else:
        flash(gettext("Taken back. It is said so from now on."))
    return _to(form)


@signed_in(Role.SUPERVISOR)
def hear_prompt(sentence: str) -> Answer:
    """What is typed as it would be heard; nothing is saved. With the page around it for a browser without scripts."""
    form = _typed(sentence)
    try:
        flow.check(house(), sentence, form.typed)
    except Unfit as unfit:
        form.mistakes = _mistakes(unfit)
    status = 422 if form.mistakes else 200
    if "HX-Request" not in request.headers:
        return _shown(form, tried=True), status
    return fragment("admin/prompt_heard.html", **_sounds(form), tried=True)


def _to(form: Form) -> AnyResponse:
    return redirect(url_for("admin.prompt", sentence=form.moment.sentence, queue=form.key or None), 303)


# --- what was typed -----------------------------------------------------------------------------------------------


def _form(sentence: str) -> Form:
    """What is on record. Aborts where nothing of that name is said."""
    moment = MOMENTS.get(sentence)
    if moment is None:
        abort(404)
    with house().store.look() as work:
        queue = None if moment.everywhere else _queue(work)
        key = queue.key if queue else HOUSE
        return Form(
            queue, moment, work.wording_versions(key, sentence, limit=HISTORY),
            {language: flow.inherited(house(), work, key, sentence, language) for language in LANGUAGES},
            wordings.published(work.wordings()),
        )  # fmt: skip


def _queue(work: Work) -> Queue | None:
    """The queue that the address or the form names. Raises NotFound."""
    key = request.values.get("queue", "")
    return work.queue(QueueKey(key)) if key else None


def _typed(sentence: str) -> Form:
    form = _form(sentence)
    for language in LANGUAGES:
        names = [f"{language}{at}" for at in range(len(form.inherited[language]))]
        form.typed[language] = tuple(wordings.tidy(request.form.get(name, "")) for name in names)
    return form


def _base(otherwise: int) -> int:
    text = request.form.get("base", "")
    return int(text) if text.isascii() and text.isdigit() else otherwise


def _mistakes(unfit: Unfit) -> dict[str, str]:
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


# --- the page -----------------------------------------------------------------------------------------------------


def _shown(form: Form, theirs: Texts | None = None, *, tried: bool = False) -> str:
    with house().store.look() as work:
        queues = work.queues()
        elsewhere = [one.queue for one in work.wordings() if one.sentence == form.moment.sentence and one.texts]
    return page(
        "admin/prompt.html", form=form, moment=form.moment, queues=queues, elsewhere=elsewhere, inputs=_inputs(form),
        theirs=theirs or {}, tried=tried, longest=LONGEST, why=request.form.get("why", ""), **_sounds(form),
    )  # fmt: skip


def _inputs(form: Form) -> dict[str, list[Input]]:
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


def _sounds(form: Form) -> dict[str, Any]:
    """What is heard with what stands in the form; nothing, while that cannot be said."""
    return {
        "heard": [] if form.mistakes else _heard(form),
        "mistakes": form.mistakes,
        "text": is_text(form.moment.sentence),
        "tags": languages.TAGS,
    }


def _heard(form: Form) -> list[Heard]:
    in_house_zone(form.queue)
    queue, sentence = form.queue or _some_queue(), form.moment.sentence
    texts = {language: form.shown(language) for language in LANGUAGES}
    wording = heard.tried(form.key, sentence, texts, form.owns)
    stage = heard.on_stage(queue, house().clock.now(), str(languages.zone()))
    return [
        heard.heard(sentence, language, stage, wording, counted=len(form.inherited[language]) > 1)
        for language in LANGUAGES
    ]


def _some_queue() -> Queue:
    """In which a sentence for all of them is tried: the first; a made-up one, where there is none yet."""
    with house().store.look() as work:
        return next(iter(work.queues()), Queue("support", gettext("Queue"), (), Policy(), 1))
