"""The list of agents tells what each one's day came to, from the sums that reports keep."""

from callback.domain.ids import Token
from callback.domain.lifecycle import AgentStatus
from callback.flows import persist, reports
from tests.support.web_house import WebHouse, signed_in


def test_the_list_of_agents_shows_todays_calls_callbacks_talk_and_missed_rings(web: WebHouse) -> None:
    web.agent("ann", status=AgentStatus.AVAILABLE)
    call = web.caller()
    pairing = web.line.reservation(Token(f"rs{call}"))
    assert pairing is not None
    web.line.bridge(pairing.token, now=web.clock.now())
    web.clock.advance(95)
    web.line.complete(pairing.token, wrap_up_s=0, now=web.clock.now(), entry_to="gone")
    web.clock.advance(60)
    persist.persist(web.house)
    web.clock.advance(60)
    reports.keep(web.house)
    shown = signed_in(web).get("/admin/agents").get_data(as_text=True)
    row = shown[shown.index('id="agent-ann"') :]
    assert '<td class="right number" data-label="Calls">1</td>' in row
    assert '<td class="right number" data-label="Callbacks">0</td>' in row
    assert '<td class="right number" data-label="Talk">1:35</td>' in row
    assert '<td class="right number" data-label="Missed">0</td>' in row
