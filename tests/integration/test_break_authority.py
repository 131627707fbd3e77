"""What strangers, viewers and agents tried beyond what they may, and what is kept of whom we have forgotten."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import session
from sqlalchemy import select

from callback.adapters.store.tables import wrap_ups
from callback.domain.acts import Doer
from callback.domain.desk import USUAL_CODES, codes
from callback.flows import erase, wrapup
from callback.web import limits, live
from callback.web.armour import same_origin
from callback.web.sessions import StillIn, load
from callback.web.status import number as numbers
from tests.integration.test_flows_transfer import ANN
from tests.integration.test_web_caller_number import MINE, NEW, give, post
from tests.support.clock import ManualClock
from tests.support.house import ADA, OWN, StagedHouse
from tests.support.web_house import WebHouse, signed_in

WITHHELD = "+266696687"


@pytest.fixture
def web(redis_url: str, sqlite_url: str, clock: ManualClock) -> Iterator[WebHouse]:
    """A house with a queue and an agent."""
    house = WebHouse(redis_url, sqlite_url, clock, "http://callback.test")
    house.queue()
    house.agent("bob")
    yield house
    house.close()


# --- pages that stay open -------------------------------------------------------------------------------------------


def test_whoever_asks_for_the_head_of_a_stream_alone_takes_no_place(web: WebHouse) -> None:
    client = signed_in(web, "viewer")
    answer = client.head("/wall/live")
    assert (answer.status_code, answer.content_type) == (200, live.STREAMED)
    assert web.app.extensions[live.HUB].listening == 0


def test_whoever_may_less_than_before_is_told_no_more(web: WebHouse) -> None:
    client = signed_in(web, "supervisor")
    with client.session_transaction() as kept:
        known_by = kept["_user_id"]
    with web.app.test_request_context("/"):
        session["_user_id"] = known_by
        before = load(known_by)
        assert before is not None
        known = StillIn(every_s=0)
        assert known(before.standing)
        web.user("supervisor@example.com", "agent", "bob")
        assert not known(before.standing)


# --- from many addresses, and with many tries -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent_from", "counted_as"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("192.0.2.7", "192.0.2.7"),
        (None, "unknown"),
    ],
)
def test_all_addresses_of_one_connection_are_counted_together(
    web: WebHouse, sent_from: str | None, counted_as: str
) -> None:
    with web.app.test_request_context("/", environ_base={"REMOTE_ADDR": sent_from} if sent_from else None) as context:
        if sent_from is None:
            context.request.remote_addr = None
        assert limits.address() == counted_as


def test_codes_that_are_never_sent_use_up_nobodys_share(web: WebHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "CODES_IN_ALL", "2 per hour")
    client = web.app.test_client()
    mine, other = web.promise(MINE), web.promise("+12015550141")
    give(client, mine, NEW)
    assert [post(client, mine, "code-again", "code").status_code for _ in range(3)] == [422] * 3
    assert give(client, other, "+12015550178").status_code == 303
    assert give(client, other, "+12015550179").status_code == 429


@pytest.mark.parametrize("elsewhere", ["/\t\\evil.example", "/\\evil.example", "/\r\nX: y", "//evil.example"])
def test_nobody_is_led_elsewhere_after_signing_in(elsewhere: str) -> None:
    assert not same_origin(elsewhere, "http://callback.test")
    assert same_origin("/admin/queues/support?day=2026-03-02", "http://callback.test")


# --- whose hand it was ----------------------------------------------------------------------------------------------


def test_an_agent_who_is_set_away_by_a_program_is_in_the_audit_log(web: WebHouse) -> None:
    def set_by(role: str, agent: str | None = None) -> list[tuple[str, Any]]:
        headers = web.token(role, f"a-{role}", agent)
        answer = web.app.test_client().post("/api/v1/agents/bob/presence", json={"status": "away"}, headers=headers)
        assert answer.status_code == 200
        with web.store.look() as work:
            return [(one.by, one.after) for one in work.acts(what="agent.presence")]

    assert set_by("agent", "bob") == [], "an agent's own wish is the journal's alone"
    assert set_by("supervisor") == [("token:a-supervisor", {"status": "away"})]


# --- what agents write down -----------------------------------------------------------------------------------------


def written(staged: StagedHouse) -> list[Any]:
    """What is kept in words about talks."""
    with staged.sql.engine.connect() as connection:
        return list(connection.execute(select(wrap_ups.c.notes)).scalars())


def note_down(staged: StagedHouse) -> None:
    since = staged.clock.now() - timedelta(hours=1)
    talk = wrapup.last(staged.house, ANN, since)
    assert talk is not None
    wrapup.save(staged.house, ANN, talk.token, "", True, "Zoë, account 17", codes(USUAL_CODES), since=since)


def talked(staged: StagedHouse, number: str) -> None:
    """Somebody has rung and talked with ann, who wraps up now."""
    staged.queue()
    staged.agent()
    caller = staged.ring_in(number)
    agent = caller.agent()
    agent.sid = staged.carrier.receive(to=agent.to, from_=OWN)
    staged.legs[agent.sid] = agent
    agent.pick_up()
    agent.press("1")
    staged.wait(60)
    caller.hang_up()
    agent.hang_up()
    staged.work()
    staged.journal()


def test_nothing_is_written_down_about_somebody_who_was_forgotten_meanwhile(staged: StagedHouse) -> None:
    talked(staged, ADA)
    asked = erase.ask(staged.house, erase.person(staged.sql, number=ADA), doer=Doer("cli:test"))
    assert erase.go_on(staged.house, asked.id).blanked_at is not None
    note_down(staged)
    assert written(staged) == [None]
    with staged.sql.look() as work:
        talk = wrapup.last(staged.house, ANN, staged.clock.now() - timedelta(hours=1))
        assert talk is not None
        assert talk.resolved is True, "what came of it is kept"
        assert work.is_forgotten(talk.entry)


def test_words_about_a_caller_who_withheld_their_number_grow_too_old_as_well(staged: StagedHouse) -> None:
    talked(staged, WITHHELD)
    note_down(staged)
    house = replace(staged.house, knobs=replace(staged.house.knobs, retention_days=7))
    staged.wait(timedelta(days=6).total_seconds())
    assert erase.forget_old(house) == 0
    assert written(staged) != [None]
    staged.wait(timedelta(days=2).total_seconds())
    assert erase.forget_old(house) == 1
    assert written(staged) == [None]
    assert erase.forget_old(house) == 0
