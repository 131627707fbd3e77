"""Only the carrier's own requests count: unsigned, wrongly signed, another account's, replayed ones change nothing."""

import pytest

from callback.emulator.signature import sign
from callback.flows import journey
from tests.support.installation import ACCOUNT, CARRIER_TOKEN, OpenShop, Shop, post_form
from tests.support.people import INSISTS, STAYS, TALKS

PATHS = [f"/voice/{step}" for step in (*journey.DOCUMENTS, *journey.REPORTS)] + ["/sms/incoming"]
FORM = {
    "CallSid": "CA" + "0" * 32,
    "AccountSid": ACCOUNT,
    "From": "+12125550100",
    "To": "+12015553000",
    "CallStatus": "ringing",
}
QUERY = "?q=q0&e=CA1&j=1&s=1&l=en&r=rs1&a=at1&cb=cb1&id=tx1"


@pytest.mark.parametrize("path", PATHS)
def test_every_webhook_refuses_whoever_is_not_the_carrier(open_shop: OpenShop, path: str) -> None:
    home = open_shop(agents=0).home
    url = f"{home.base}{path}{QUERY}"
    stranger = {**FORM, "AccountSid": "AC" + "9" * 32}
    answers = {
        "unsigned": post_form(url, FORM),
        "nonsense": post_form(url, FORM, {"X-Twilio-Signature": "nonsense"}),
        "another token": post_form(url, FORM, {"X-Twilio-Signature": sign("another-token", url, FORM)}),
        "another URL": post_form(url, FORM, {"X-Twilio-Signature": sign(CARRIER_TOKEN, f"{url}&x=1", FORM)}),
        "another account": home.webhook(url, stranger),
    }
    assert {why: status for why, (status, _) in answers.items()} == dict.fromkeys(answers, 403)
    assert home.journal(after=home.journal_mark, kind="call", subject=FORM["CallSid"]) == []


def test_a_whole_evening_replayed_keeps_every_promise_as_it_was(open_shop: OpenShop) -> None:
    shop = open_shop()
    home, carrier = shop.home, shop.home.carrier
    evening = carrier.mark()
    filler = shop.occupy()
    ada = home.new_number()
    carrier.person(ada, script=TALKS)
    carrier.until(shop.ring(*INSISTS, number=ada), "ended")
    holder = shop.ring(*STAYS)
    carrier.until(holder, "enqueued")
    carrier.hang_up(filler)
    leg = carrier.call_to(ada)
    carrier.until(leg, "bridged")
    shop.in_state(ada, "bridged")
    carrier.hang_up(leg)
    shop.in_state(ada, "completed")
    carrier.until(holder, "bridged")
    carrier.hang_up(holder)
    shop.nobody_left()
    shop.until_told("call", holder, "completed")

    story, served, asked = shop.story(ada), talks(shop), carrier.creations(ada)
    for entry in carrier.ledger("webhook", after=evening):
        if entry["url"].startswith(home.base) and entry["method"] == "POST":
            status, _ = home.webhook(entry["url"], entry["form"])
            assert status in (200, 204), entry["url"]
    shop.nobody_left(within_s=60)
    assert shop.story(ada) == story
    assert carrier.creations(ada) == asked
    assert talks(shop) == served
    assert len(home.callbacks(queue=shop.key)) == 1


def talks(shop: Shop) -> list[tuple[str, str]]:
    """Who arrived, talked, was served or took a callback, in order."""
    steps = {"arrived", "bridged", "completed", "callback"}
    return [(entry["subject"], entry["to"]) for entry in shop.journal(kind="call") if entry["to"] in steps]
