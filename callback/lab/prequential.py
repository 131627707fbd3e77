"""The learning estimator on recorded traffic: forecast, wait until the outcome is known, learn, go on.

The replay leaves one question for each wait: what was known then, and when its outcome became known. Here they are put
to the learner in the order of time. No outcome is told to it before its time has come, and the model that answers was
fitted to nothing later.
"""

import heapq
from collections.abc import Iterator, Sequence

import numpy as np

from callback.domain.learner import Five, Learner, Said
from callback.domain.watch import Question

AT_ONCE = 512
"""So many questions are put to the model in one go, as long as it does not change."""
FIRST_SHARE = 0.75
"""From this share of the waits to learn from the learner is asked, so that it is calibrated when it counts."""


class _Outcomes:
    """The outcomes of questions that were put, by the time at which they become known."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Question, Said | None]] = []
        self._count = 0

    def expect(self, question: Question, said: Said | None) -> None:
        if question.known_at is not None:
            self._count += 1
            heapq.heappush(self._due, (question.known_at, self._count, question, said))

    def until(self, now: float) -> Iterator[tuple[Question, Said | None]]:
        while self._due and self._due[0][0] <= now:
            _, _, question, said = heapq.heappop(self._due)
            yield question, said


def answers(questions: Sequence[Question], begin: int, learner: Learner) -> list[Said]:
    """What is announced for each question from number `begin` on; those before it are there to learn from."""
    outcomes = _Outcomes()
    silent = int(begin * FIRST_SHARE)
    said: list[Said] = []
    raw: list[Five] = []
    start = ahead = 0
    for number, question in enumerate(questions):
        for earlier, what in outcomes.until(question.at):
            _tell(learner, earlier, what)
        if number < silent:
            outcomes.expect(question, None)
            continue
        if learner.due:
            learner.learn()
            ahead = number
        if number >= ahead:
            chunk = questions[number : number + AT_ONCE]
            raw = _raw(learner, chunk)
            start, ahead = number, number + AT_ONCE
        answer = learner.say(question.simple, raw[number - start] if raw else None, question.kind)
        outcomes.expect(question, answer)
        said.append(answer)
    return said[begin - silent :]


def _raw(learner: Learner, chunk: Sequence[Question]) -> list[Five]:
    """What the model says of each of these; empty without a model."""
    rows = np.array([one.signals for one in chunk], np.float32)
    said = learner.raw(rows, np.array([one.simple for one in chunk], np.float64))
    return [] if said is None else [(a, b, c, d, e) for a, b, c, d, e in said.tolist()]


def _tell(learner: Learner, question: Question, said: Said | None) -> None:
    """An outcome that has become known. Only whole waits measure a forecast."""
    if said is None or not question.whole:
        learner.remember(question.signals, question.simple, question.waited, whole=question.whole)
    else:
        learner.met(said, question.signals, question.waited)
