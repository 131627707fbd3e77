"""What may be asked for so often: numbers searched for, and codes for another number, with when to go on."""

import re

import pytest

from callback.domain.acts import What
from callback.web.limits import Limits, minutes
from callback.web.options import WebOptions
from callback.web.status import number as numbers
from tests.integration.test_web_caller_number import NEW, give
from tests.support.web_house import WebHouse, signed_in

LINE = "/admin/queues/support/line"
WHOM = ("a door", "ada")


def test_whoever_tries_one_number_after_the_other_is_slowed_down_and_told_until_when(web: WebHouse) -> None:
    web.promise("+12015550123")
    viewer = signed_in(web, "viewer")
    tried = [viewer.get(LINE, query_string={"q": f"+1201555012{digit}"}) for digit in range(10)]
    assert [answer.status_code for answer in tried] == [200] * 10
    stopped = viewer.get(LINE, query_string={"q": "+12015550123"})
    assert (stopped.status_code, 1 <= int(stopped.headers["Retry-After"]) <= 60) == (429, True)
    assert "You can search for another in 1 minute" in stopped.get_data(as_text=True)
    assert "•••0123" not in stopped.get_data(as_text=True)
    by_its_end = viewer.get(LINE, query_string={"q": "0123"})
    assert (by_its_end.status_code, "•••0123" in by_its_end.get_data(as_text=True)) == (200, True)
    another = signed_in(web, "supervisor").get(LINE, query_string={"q": "+12015550123"})
    assert "•••0123" in another.get_data(as_text=True)


def test_a_number_that_was_searched_for_is_in_the_audit_log_masked(web: WebHouse) -> None:
    web.promise("+12015550123")
    viewer = signed_in(web, "viewer")
    for said in ("+12015550123", "(201) 555-0124", "0123", "ada"):
        viewer.get(LINE, query_string={"q": said})
    with web.store.look() as work:
        acts = work.acts(what=What.CALLBACK_SEARCH)
    told = [(one.by, one.subject, one.queue, one.after) for one in reversed(acts)]
    who = ("viewer@example.com",)
    assert told == [
        (*who, "+1201•••0123", "support", {"found": 1}),
        (*who, "+1201•••0124", "support", {"found": 0}),
    ]


def test_at_the_days_last_code_the_caller_is_told_when_there_may_be_another(
    web: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers, "CODES_PER_ADDRESS", "1 per hour; 1 per day")
    client, mine = web.app.test_client(), web.promise()
    assert give(client, mine, NEW).status_code == 303
    stopped = give(client, mine, "+12015550178")
    assert stopped.status_code == 429
    text = stopped.get_data(as_text=True)
    assert re.search(r"You can try again tomorrow at \d?\d:\d\d\xa0[AP]M", text), text
    assert "minute" not in text
    assert int(stopped.headers["Retry-After"]) == 24 * 3600


def test_a_try_that_was_right_is_given_back_and_one_too_many_says_how_long_it_has_to_wait() -> None:
    limits = Limits(WebOptions(secret_key="s", public_base_url="http://localhost"))
    rules = "3 per hour; 4 per day"
    for _ in range(5):
        assert limits.take(rules, *WHOM) == 0
        limits.give_back(rules, *WHOM)
    assert [limits.take(rules, *WHOM) for _ in range(3)] == [0] * 3
    assert minutes(limits.take(rules, *WHOM)) == 60
    assert limits.take(rules, "a door", "bob") == 0
