"""How it was: said once a callback on the caller's page, changed within a day, counted, exported and forgotten."""

import re
from datetime import timedelta

import pytest

from callback.domain.errors import InvalidInput
from callback.domain.lifecycle import Event
from callback.domain.rating import SCORES, is_good, score_of
from callback.flows import rating, reports
from callback.flows.wishes import TooLate
from callback.ports import Span
from tests.support.house import ADA, StagedHouse


def talked(staged: StagedHouse) -> str:
    """Ada was called back and has talked; the address of her page."""
    leg = staged.called(ADA)
    leg.pick_up()
    leg.press("1")
    staged.talking(leg)
    staged.wait(40)
    leg.hang_up()
    staged.journal()
    return f"/c/{staged.by_number(ADA).token}"


def page(staged: StagedHouse, path: str) -> str:
    answer = staged.client.get(path)
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


def say(staged: StagedHouse, path: str, score: str, proof: str | None = None) -> str:
    """Press a button; the page afterwards."""
    form = page(staged, path).split("/rating")[1]
    carried = re.search(r'name="proof" value="([^"]+)"', form)
    assert carried
    answer = staged.client.post(
        f"{path}/rating", data={"score": score, "proof": carried[1] if proof is None else proof}
    )
    assert answer.status_code == 303
    return page(staged, answer.headers["Location"])


def counted(staged: StagedHouse) -> tuple[int, int, int]:
    """Completed, rated and satisfied, as the reports say."""
    staged.wait(60)
    reports.keep(staged.house)
    day = staged.clock.now().date()
    with staged.sql.look() as work:
        [(_, sums)] = work.report(Span(day - timedelta(2), day), "")
    return sums.completed, sums.rated, sums.satisfied


def test_whoever_was_called_back_says_how_it_was_and_may_say_it_anew(staged: StagedHouse) -> None:
    path = talked(staged)
    said = page(staged, path)
    assert "How was it?" in said
    assert "aria-pressed" not in said
    assert len(said.encode()) < 20_000
    said = say(staged, path, "2")
    assert "Thank you for telling us." in said
    assert "Your answer: 2 (Poor)" in said
    assert counted(staged) == (1, 1, 0)
    assert "Your answer: 5 (Very good)" in say(staged, path, "5")
    say(staged, path, "5")
    assert counted(staged) == (1, 1, 1)
    with staged.sql.look() as work:
        found = work.rating(staged.by_number(ADA).id)
        rows = [row for row in work.journal(after=0, limit=1000) if row.after == "rated"]
        [(_, ann)] = work.report(Span(staged.clock.now().date(), staged.clock.now().date()), "agent")
    assert found is not None
    assert (found.score, found.agent, found.changed_at > found.at) == (5, "ann", True)
    assert [row.data["was"] for row in rows] == [None, 2]
    assert (ann.rated, ann.satisfied) == (1, 1)


def test_only_our_own_form_says_it_and_only_a_score(staged: StagedHouse) -> None:
    path = talked(staged)
    assert "Your answer" not in say(staged, path, "5", proof="made up")
    for wrong in ("0", "6", "", "4.5", "five"):
        assert "Your answer" not in say(staged, path, wrong)
    assert counted(staged) == (1, 0, 0)


def test_nobody_is_asked_who_has_not_talked(staged: StagedHouse) -> None:
    staged.queue()
    promise = staged.promise(ADA)
    assert "How was it?" not in page(staged, f"/c/{promise.token}")
    with pytest.raises(TooLate):
        rating.rate(staged.house, promise.id, 5)
    with staged.sql.begin() as work:
        work.move(work.callback(promise.id), Event.CANCEL, reason="test", cause="test", at=staged.clock.now())
    assert "How was it?" not in page(staged, f"/c/{promise.token}")


def test_a_queue_that_asks_nobody_shows_no_question_takes_no_answer_and_keeps_those_it_has(staged: StagedHouse) -> None:
    path = talked(staged)
    say(staged, path, "4")
    staged.policy(ask_rating=False)
    assert "How was it?" not in page(staged, path)
    with pytest.raises(TooLate):
        rating.rate(staged.house, staged.by_number(ADA).id, 1)
    assert counted(staged) == (1, 1, 1)
    staged.policy(ask_rating=True)
    assert "Your answer: 4 (Good)" in page(staged, path)


def test_after_a_day_nothing_can_be_said(staged: StagedHouse) -> None:
    path = talked(staged)
    say(staged, path, "4")
    staged.clock.advance(86_401)
    assert staged.client.get(path).status_code == 404
    with pytest.raises(TooLate):
        rating.rate(staged.house, staged.by_number(ADA).id, 1)


def test_what_was_said_is_told_to_the_caller_and_goes_with_them(staged: StagedHouse) -> None:
    path = talked(staged)
    say(staged, path, "3")
    callback, hashed = staged.by_number(ADA), staged.sql.number_hash(ADA)
    with staged.sql.begin() as work:
        assert work.everything(hashed)["ratings"][0]["score"] == 3
        [sheet] = work.read_out("ratings", since=callback.created_at, until=staged.clock.now() + timedelta(1))
        assert 3 in sheet
        assert work.blank(hashed).found["ratings"] == 1
    with staged.sql.look() as work:
        assert work.rating(callback.id) is None
    assert counted(staged) == (1, 1, 0)


def test_a_score_is_one_of_five_and_the_two_best_are_good() -> None:
    assert [is_good(score) for score in SCORES] == [False, False, False, True, True]
    assert score_of("4") == 4
    with pytest.raises(InvalidInput):
        score_of("04")
