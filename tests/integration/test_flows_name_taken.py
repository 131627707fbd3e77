"""Two administrators add the same at the same moment: one of them does, and the other is told that it is there."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from callback.domain.acts import Doer
from callback.domain.errors import NameTaken
from callback.domain.ids import AgentKey, QueueKey
from callback.flows import configure, users
from callback.ports import ApiToken, House
from tests.support.house import StagedHouse, on_both
from tests.support.web_house import WebHouse, send, signed_in

ROUNDS = 5


def a_user(house: House, name: str, by: str) -> None:
    users.invite(house, Doer(by, "admin"), f"{name}@example.com", role="viewer", agent=None)


def a_queue(house: House, name: str, by: str) -> None:
    configure.put_queue(house, QueueKey(name), name=by, by=by, new=True)


def an_agent(house: House, name: str, by: str) -> None:
    configure.put_agent(house, AgentKey(name), name=by, contact="+12015550111", queues=[], by=by, new=True)


def a_token(house: House, name: str, by: str) -> None:
    with house.store.begin() as work:
        if not work.add_token(ApiToken(name, "viewer", f"{name} {by}")):
            raise NameTaken("name", name)


@on_both
@pytest.mark.parametrize("add", [a_user, a_queue, an_agent, a_token])
def test_of_two_who_add_the_same_at_once_one_does_and_the_other_is_told(
    staged: StagedHouse, add: Callable[[House, str, str], None]
) -> None:
    start = Barrier(2)

    def try_it(name: str, by: str) -> bool:
        start.wait()
        try:
            add(staged.house, name, by)
        except NameTaken:
            return False
        return True

    with ThreadPoolExecutor(2) as both:
        for number in range(ROUNDS):
            done = list(both.map(try_it, (f"n{number}", f"n{number}"), ("ada", "bob")))
            assert sorted(done) == [False, True]


def test_every_form_that_adds_something_says_that_it_is_there(web: WebHouse) -> None:
    client = signed_in(web, "admin")
    forms = {
        "/admin/users": {"email": "admin@example.com", "role": "viewer"},
        "/admin/queues/new": {"key": "support", "name": "Another"},
        "/admin/agents/add": {"key": "ann", "name": "Another", "contact": "+12015550199"},
        "/admin/start/agent": {"key": "ann", "name": "Another", "contact": "+12015550199"},
        "/admin/tokens": {"name": "crm", "role": "viewer"},
    }
    with web.store.begin() as work:
        work.put_token(ApiToken("crm", "admin", "hash"))
    for path, form in forms.items():
        answer = send(client, path, **form)
        assert (path, answer.status_code) == (path, 422)
        assert "already" in answer.get_data(as_text=True), path
    with web.store.look() as work:
        assert work.queue(QueueKey("support")).name == "Support"
        assert work.agent(AgentKey("ann")).name == "Ann"
        assert work.tokens() == [ApiToken("crm", "admin", "hash")]


def test_an_agent_who_is_there_is_changed_all_the_same(web: WebHouse) -> None:
    client = signed_in(web, "admin")
    changed = send(client, "/admin/agents/ann/edit", name="Anna", contact="+12015550111", **{"level:support": "1"})
    assert changed.status_code == 303
    with web.store.look() as work:
        assert work.agent(AgentKey("ann")).name == "Anna"
