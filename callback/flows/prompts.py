"""The house's own wording of what callers hear and read: saved with who and why, and published to the line where the
doors read it.

A wording that is the same as what would be said without it is no own wording: it goes on following the built-in one, or
the house's.
"""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from callback.domain.acts import Doer, What, act
from callback.domain.errors import InvalidInput, NotFound, Stale
from callback.domain.ids import QueueKey
from callback.domain.wording import HOUSE, Fault, Forms, Wording, faults, tidy
from callback.flows import configure
from callback.ports import House, Work

TRIES = 10
"""Whoever was overtaken in another language of the same sentence saves again, on top of it."""
UNTOUCHED = 0
"""The version of a sentence that nobody has worded otherwise."""
KEPT = 200
"""So many versions back somebody may go."""

Texts = Mapping[str, Forms]


class Unfit(InvalidInput):
    """Texts that cannot be said: by language what is wrong with each form."""

    def __init__(self, found: Mapping[str, list[Fault]]) -> None:
        super().__init__(next(iter(found)), "this wording cannot be said")
        self.found = found


class Overtaken(Stale):
    """Somebody has worded it otherwise in these `languages` since. `now` is what they saved."""

    def __init__(self, languages: list[str], now: Texts) -> None:
        super().__init__("somebody else has changed this wording meanwhile: look at it, and save again")
        self.languages, self.now = languages, now


def save(
    house: House, queue: str, sentence: str, texts: Texts, doer: Doer, *, base: int, why: str = ""
) -> Wording | None:
    """Say it so from now on, in `queue` or (`HOUSE`) in all. Languages that are not named stay as they are; one whose
    texts are empty has no own wording any more. `base` is the version that was looked at. None: it is said so already.

    Raises Unfit, Overtaken, and NotFound for a queue, a sentence or a language that is not there.
    """
    wanted = {language: tuple(map(tidy, forms)) for language, forms in texts.items()}
    check(house, sentence, wanted)

    def revised(work: Work, known: list[Wording]) -> Texts:
        own = {language: _own(house, work, queue, sentence, language, forms) for language, forms in wanted.items()}
        now, before = _texts(known), _texts([one for one in known if one.version <= base])
        changed = {language: forms for language, forms in own.items() if before.get(language, ()) != forms}
        stands = {language: (before.get(language, ()), forms) for language, forms in changed.items()}
        lost = [language for language, either in stands.items() if now.get(language, ()) not in either]
        if lost:
            raise Overtaken(lost, now)
        return now | changed

    return _keep(house, queue, sentence, revised, doer, What.PROMPT_SAVE, why)


def revert(house: House, queue: str, sentence: str, version: int, doer: Doer) -> Wording | None:
    """Make an earlier version the next one; `UNTOUCHED`: no own wording any more. None: it is said so already.

    Raises NotFound, and Unfit where it needs what the sentence does not have any more.
    """

    def earlier(_: Work, known: list[Wording]) -> Texts:
        texts = next((one.texts for one in known if one.version == version), None)
        if texts is None and version != UNTOUCHED:
            raise NotFound(f"there is no version {version} of {sentence}")
        check(house, sentence, texts or {})
        return texts or {}

    return _keep(house, queue, sentence, earlier, doer, What.PROMPT_REVERT, f"back to version {version}")


def check(house: House, sentence: str, texts: Texts) -> None:
    """Raises Unfit, or NotFound. Empty texts are none."""
    found = {}
    for language, forms in texts.items():
        built_in = house.words.built_in(sentence, language)
        if len(built_in) != len(forms):
            raise NotFound(f"there is no sentence {sentence} in {language} with {len(forms)} forms")
        wrong = faults(forms, built_in) if any(forms) else []
        if wrong:
            found[language] = wrong
    if found:
        raise Unfit(found)


def inherited(house: House, work: Work, queue: str, sentence: str, language: str) -> Forms:
    """What is said in `queue` without a wording of its own."""
    if queue != HOUSE:
        house_s = _texts(work.wording_versions(HOUSE, sentence, limit=1)).get(language)
        if house_s:
            return house_s
    return house.words.built_in(sentence, language)


def _own(house: House, work: Work, queue: str, sentence: str, language: str, forms: Forms) -> Forms:
    """() for no own wording."""
    return forms if any(forms) and forms != inherited(house, work, queue, sentence, language) else ()


def _texts(known: list[Wording]) -> dict[str, Forms]:
    """Of versions, newest first, what is said: () and no language at all are the same."""
    return dict(known[0].texts) if known else {}


def _keep(
    house: House,
    queue: str,
    sentence: str,
    decide: Callable[[Work, list[Wording]], Texts],
    doer: Doer,
    what: What,
    why: str,
) -> Wording | None:
    """The next version, with its line in the audit log, published. None where nothing is different."""
    for _ in range(TRIES):
        with contextlib.suppress(configure.Unlucky):
            kept = _add(house, queue, sentence, decide, doer, what, why)
            if kept is not None:
                configure.publish(house)
            return kept
    raise Stale("this wording is being changed by too many at once: try again")


def _add(
    house: House,
    queue: str,
    sentence: str,
    decide: Callable[[Work, list[Wording]], Texts],
    doer: Doer,
    what: What,
    why: str,
) -> Wording | None:
    at = house.clock.now()
    with house.store.begin() as work:
        if queue != HOUSE:
            work.queue(QueueKey(queue))
        known = work.wording_versions(queue, sentence, limit=KEPT)
        before, version = _texts(known), known[0].version if known else UNTOUCHED
        texts = {language: forms for language, forms in decide(work, known).items() if forms}
        if texts == before:
            return None
        wording = Wording(queue, sentence, version + 1, texts, at, doer.by, why)
        try:
            work.add_wording(wording)
        except Stale:
            raise configure.Unlucky("somebody saved meanwhile") from None
        told = _told(before, version), _told(texts, version + 1)
        work.act(act(doer, what, sentence, at, queue=queue, before=told[0], after=told[1], cause=why))
    return wording


def _told(texts: Texts, version: int) -> dict[str, Any]:
    """As the audit log has it."""
    return {"version": version} | {language: " / ".join(forms) for language, forms in texts.items()}
