"""What callers hear and read, by the moment in which they meet it: looked through, worded otherwise for all queues or
for one, tried before it is saved, and taken back."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.policy import Policy, Queue
from callback.domain.wording import HOUSE, LONGEST, Forms
from callback.flows import prompts as flow
from callback.flows.prompts import Overtaken, Unfit
from callback.web import languages
from callback.web.acting import doer
from callback.web.admin import heard
from callback.web.admin.heard import Heard
from callback.web.admin.moments import GROUPS, MOMENTS, Group, Moment, is_text
from callback.web.admin.wording_form import Form, inputs, mistakes_of, named_queue, on_record, typed
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.guards import Role, signed_in
from callback.web.languages import LANGUAGES
from callback.web.pages import fragment, in_house_zone, page

WHY = 200
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


# --- looking ------------------------------------------------------------------------------------------------------


@signed_in(Role.SUPERVISOR)
def prompts() -> str:
    """The list, for all queues or for one."""
    with house().store.look() as work:
        queues, queue = work.queues(), named_queue(work)
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
    return _shown(on_record(sentence))


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
    form = typed(sentence)
    try:
        saved = flow.save(
            house(), form.key, sentence, form.typed, doer(), base=_base(form.base),
            why=request.form.get("why", "").strip()[:WHY],
        )  # fmt: skip
    except Unfit as unfit:
        form.mistakes = mistakes_of(unfit)
        return _shown(form), 422
    except Overtaken as overtaken:
        theirs = {language: overtaken.now.get(language) or form.inherited[language] for language in overtaken.languages}
        return _shown(form, theirs=theirs), 409
    flash(gettext("Saved. It is said so from now on.") if saved else gettext("Nothing was changed."))
    return _to(form)


@signed_in(Role.SUPERVISOR)
def revert_prompt(sentence: str, version: int) -> Answer:
    """Make an earlier version the next one; 0 is what is said without an own wording. Raises NotFound."""
    form = on_record(sentence)
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
    form = typed(sentence)
    try:
        flow.check(house(), sentence, form.typed)
    except Unfit as unfit:
        form.mistakes = mistakes_of(unfit)
    status = 422 if form.mistakes else 200
    if "HX-Request" not in request.headers:
        return _shown(form, tried=True), status
    return fragment("admin/prompt_heard.html", **_sounds(form), tried=True)


def _to(form: Form) -> AnyResponse:
    return redirect(url_for("admin.prompt", sentence=form.moment.sentence, queue=form.key or None), 303)


def _base(otherwise: int) -> int:
    text = request.form.get("base", "")
    return int(text) if text.isascii() and text.isdigit() else otherwise


# --- the page -----------------------------------------------------------------------------------------------------


def _shown(form: Form, theirs: Texts | None = None, *, tried: bool = False) -> str:
    with house().store.look() as work:
        queues = work.queues()
        elsewhere = [one.queue for one in work.wordings() if one.sentence == form.moment.sentence and one.texts]
    return page(
        "admin/prompt.html", form=form, moment=form.moment, queues=queues, elsewhere=elsewhere, inputs=inputs(form),
        theirs=theirs or {}, tried=tried, longest=LONGEST, why=request.form.get("why", ""), **_sounds(form),
    )  # fmt: skip


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
