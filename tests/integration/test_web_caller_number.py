"""Another number over HTTP: proved by codes, limited on every side, and never rung before."""

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from callback.domain.callback import Callback, Text
from callback.domain.ids import CallbackId, CallSid, EntryId, QueueKey, Token
from callback.domain.lifecycle import AgentStatus, Event
from callback.flows import renumber
from tests.support.clock import ManualClock
from tests.support.web_house import WebHouse

MINE, NEW = "+12015550123", "+12015550177"
LONDON, LONDON_MOBILE = "+442079460958", "+447400123456"


@pytest.fixture
def web(redis_url: str, sqlite_url: str, clock: ManualClock) -> Iterator[WebHouse]:
    """A house with an agent who is busy with somebody else."""
    house = WebHouse(redis_url, sqlite_url, clock, "http://callback.test")
    house.queue(allowed_countries=["own", "GB"])
    house.agent("bob", status=AgentStatus.AVAILABLE)
    house.promise("+12015550199")
    yield house
    house.close()


@pytest.fixture
def client(web: WebHouse) -> FlaskClient:
    """A browser without cookies."""
    return web.app.test_client()


def post(client: FlaskClient, callback: Callback, path: str, form: str, **fields: str) -> TestResponse:
    """Through the form that is shown, with the proof that it carries."""
    shown = client.get(f"/c/{callback.token}/{form}").get_data(as_text=True)
    action = re.escape(f"/c/{callback.token}/{path}")
    found = re.search(rf'action="{action}"[^>]*>\s*<input type="hidden" name="proof" value="([^"]+)"', shown)
    assert found, shown
    return client.post(f"/c/{callback.token}/{path}", data={"proof": found[1], **fields})


def give(client: FlaskClient, callback: Callback, number: str = NEW) -> TestResponse:
    return post(client, callback, "number", "number", number=number)


def prove(client: FlaskClient, callback: Callback, new: str, old: str = "") -> TestResponse:
    return post(client, callback, "code", "code", new=new, old=old)


def said(answer: TestResponse) -> str:
    found = re.search(r'role="alert">(.*?)</p>', answer.get_data(as_text=True))
    assert found, answer.get_data(as_text=True)
    return found[1]


def texts(web: WebHouse) -> list[Text]:
    """Those that workers were asked to send."""
    with web.store.look() as work:
        return [work.text(name) for kind, name in web.dispatch.asked if kind == "text"]


def codes(web: WebHouse) -> dict[str, str]:
    """The last code that was sent to each number."""
    return {one.number: one.body.split()[0] for one in texts(web) if one.kind in ("code", "code_old")}


def now_is(web: WebHouse, id: CallbackId) -> Callback:
    with web.store.look() as work:
        return work.callback(id)


def test_a_number_changes_once_both_telephones_have_told_their_codes(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise(MINE)
    asked = give(client, mine, "(201) 555-0177")
    assert (asked.status_code, asked.headers["Location"]) == (303, f"/c/{mine.token}/code")
    assert now_is(web, mine.id) == mine
    sent = codes(web)
    assert sorted(sent) == [MINE, NEW]
    assert all(re.fullmatch(r"\d{6}", code) for code in sent.values())
    change = renumber.find(web.house, mine)
    assert change is not None
    assert not {change.change.new_hash, change.change.old_hash} & set(sent.values())
    page = client.get(f"/c/{mine.token}/code").get_data(as_text=True)
    assert "+1201•••0177" in page
    assert NEW not in page
    done = prove(client, mine, sent[NEW], f"{sent[MINE][:3]} {sent[MINE][3:]}")
    assert (done.status_code, done.headers["Location"]) == (303, f"/c/{mine.token}?did=number")
    changed = now_is(web, mine.id)
    assert (changed.number, changed.score, changed.attempts_left, changed.token) == (
        NEW, mine.score, mine.attempts_left, mine.token,
    )  # fmt: skip
    assert "number_changed" not in changed.context
    with web.store.look() as work:
        last = work.journal(after=0, kind="callback", subject=mine.id)[-1]
        assert work.number_change(mine.id) is None
    assert (last.before, last.after, last.reason, last.cause) == (
        "waiting", "waiting", "another number, proved by code", "status page",
    )  # fmt: skip
    assert NEW not in repr(last)
    page = client.get(f"/c/{mine.token}").get_data(as_text=True)
    assert "You are next" in page
    assert "+1201•••0177" in page
    assert (texts(web)[-1].number, texts(web)[-1].kind) == (NEW, "status")


def test_the_line_knows_them_by_the_new_number_in_the_same_place(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise(MINE)
    web.wait(1)
    web.promise("+12015550141")
    give(client, mine)
    prove(client, mine, codes(web)[NEW], codes(web)[MINE])
    assert web.line.standing(mine.queue, EntryId(mine.id)).position == 1

    def rings_in(number: str) -> CallbackId | None:
        call = CallSid(f"CA{number[1:]:0>32}")
        common = {"credit_s": 0, "language": "en", "lease_s": 10, "token": Token("rs1"), "now": web.clock.now()}
        arrived = web.line.arrive(
            QueueKey("support"), call, number_hash=web.store.number_hash(number), **common  # type: ignore[arg-type]
        )  # fmt: skip
        return arrived.open_callback

    assert rings_in(NEW) == mine.id
    assert rings_in(MINE) is None


def test_one_code_alone_changes_nothing(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise(MINE)
    give(client, mine)
    sent = codes(web)
    for new, old in ((sent[NEW], ""), (sent[NEW], "000000"), ("000000", sent[MINE]), (sent[MINE], sent[NEW])):
        answer = prove(client, mine, new, old)
        assert answer.status_code == 422
        assert said(answer).startswith("That is not right. You have ")
    assert said(prove(client, mine, "", "")) == "Too many wrong codes. Have new ones sent."
    assert said(prove(client, mine, sent[NEW], sent[MINE])) == "Too many wrong codes. Have new ones sent."
    assert now_is(web, mine.id).number == MINE


def test_a_landline_that_is_rung_so_far_needs_no_code_and_whoever_talks_with_them_can_see_it(
    web: WebHouse, client: FlaskClient
) -> None:
    mine = web.promise(LONDON)
    give(client, mine, "07400 123456")
    assert list(codes(web)) == [LONDON_MOBILE]
    page = client.get(f"/c/{mine.token}/code").get_data(as_text=True)
    assert 'name="old"' not in page
    prove(client, mine, codes(web)[LONDON_MOBILE])
    changed = now_is(web, mine.id)
    assert changed.number == LONDON_MOBILE
    assert changed.context["number_changed"] == "on the caller's page"


def test_numbers_that_we_do_not_ring_or_cannot_text_are_not_taken(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise(MINE)
    with web.store.begin() as work:
        work.suppress("+12015550178", "asked us", web.clock.now())
        work.opt_out("+12015550179", web.clock.now())
    unknown = "That is not a telephone number we know. Check the digits, and the country code."
    refused, no_texts = "We cannot ring that number. Please give another.", "That number cannot get texts"
    for number, why in (
        ("+4930123456", refused),  # another country
        ("+19002345678", refused),  # premium rate
        ("+12015550100", refused),  # ours
        ("+12015550178", refused),  # left alone
        ("+12015550179", no_texts),  # opted out
        (LONDON, no_texts),  # a landline
        (MINE, "That is the number we ring already."),
        *((number, unknown) for number in ("1234", "+1201", "anything", "", "+12015550199 ext 5")),
    ):
        answer = give(client, mine, number)
        assert answer.status_code == 422, number
        assert said(answer).startswith(why), number
    assert codes(web) == {}


def test_codes_are_too_old_after_ten_minutes(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise(MINE)
    give(client, mine)
    sent = codes(web)
    web.wait(600)
    assert said(prove(client, mine, sent[NEW], sent[MINE])) == "These codes are too old. Have new ones sent."
    assert post(client, mine, "code-again", "code").status_code == 303
    assert codes(web) != sent
    assert prove(client, mine, codes(web)[NEW], codes(web)[MINE]).headers["Location"].endswith("did=number")


def test_codes_are_sent_again_after_a_minute_and_three_times_in_all(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise(MINE)
    give(client, mine)
    early = post(client, mine, "code-again", "code")
    assert said(early) == "A code is on its way. You can have another in 60 seconds."
    for _ in range(2):
        web.wait(60)
        assert post(client, mine, "code-again", "code").status_code == 303
    web.wait(60)
    page = client.get(f"/c/{mine.token}/code").get_data(as_text=True)
    assert "No more codes can be sent for this." in page
    assert said(give(client, mine, "+12015550178")).startswith("No more codes can be sent for this.")
    assert sum(one.kind == "code" for one in texts(web)) == 3


def test_a_number_that_was_mistyped_is_corrected_at_once(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise(MINE)
    give(client, mine, "+12015550178")
    wrong = codes(web)
    assert give(client, mine).status_code == 303
    assert prove(client, mine, wrong["+12015550178"], wrong[MINE]).status_code == 422
    assert prove(client, mine, codes(web)[NEW], codes(web)[MINE]).status_code == 303
    assert now_is(web, mine.id).number == NEW


def test_nobody_is_flooded_by_many_who_name_their_number(web: WebHouse, client: FlaskClient) -> None:
    answers = [give(client, web.promise(f"+1201555013{digit}")) for digit in range(4)]
    assert [answer.status_code for answer in answers] == [303, 303, 303, 422]
    assert said(answers[3]).startswith("No more codes can be sent for this.")
    assert sum(one.number == NEW for one in texts(web)) == 3


def test_one_address_gets_ten_codes_an_hour(web: WebHouse, client: FlaskClient) -> None:
    answers = [give(client, web.promise(f"+120155501{at}"), f"+120155502{at}").status_code for at in range(30, 41)]
    assert answers == [303] * 10 + [429]


def test_a_number_with_a_callback_of_its_own_is_told_only_to_who_has_it(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise(MINE)
    web.promise(NEW)
    assert give(client, mine).status_code == 303
    answer = prove(client, mine, codes(web)[NEW], codes(web)[MINE])
    assert said(answer) == "That number is waiting for a callback of its own already."
    assert now_is(web, mine.id).number == MINE


def test_codes_that_come_when_we_ring_already_come_too_late(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise(MINE)
    give(client, mine)
    page = client.get(f"/c/{mine.token}/code").get_data(as_text=True)
    proof = re.search(r'/code"[^>]*>\s*<input type="hidden" name="proof" value="([^"]+)"', page)
    assert proof
    with web.store.begin() as work:
        steps = ((Event.RESERVE, "bob is free"), (Event.DIAL, "dialling"))
        work.moves(work.callback(mine.id), steps, cause="test", at=web.clock.now())
    sent = {"proof": proof[1], "new": codes(web)[NEW], "old": codes(web)[MINE]}
    late = client.post(f"/c/{mine.token}/code", data=sent)
    assert late.headers["Location"].endswith("did=too_late")
    assert now_is(web, mine.id).number == MINE
