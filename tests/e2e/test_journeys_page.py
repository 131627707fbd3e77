"""On the caller's page with a real carrier behind it: another number, proved by texts, is the one that rings."""

import re

from tests.support.installation import OpenShop, Shop, http, post_form
from tests.support.people import TALKS
from tests.support.waiting import eventually


def post(page: str, path: str, form: str, **fields: str) -> str:
    """Through the form that is shown; what follows it."""
    shown = http("GET", f"{page}/{form}")
    found = re.search(rf'/{path}"[^>]*>\s*<input type="hidden" name="proof" value="([^"]+)"', shown)
    assert found is not None, shown
    return post_form(f"{page}/{path}", {"proof": found[1], **fields})[1]


def code(shop: Shop, number: str) -> str:
    """The code that was texted to this number."""
    carrier = shop.home.carrier
    eventually(lambda: any(one[:6].isdigit() for one in carrier.texts(number)), every_s=0.1, what="a code")
    return [one[:6] for one in carrier.texts(number) if one[:6].isdigit()][-1]


def test_another_number_rings_once_codes_to_both_telephones_were_typed(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    old, new = shop.home.new_number(), shop.home.new_number()
    for number in (old, new):
        shop.home.carrier.person(number, script=TALKS)
    shop.home.api("POST", "/callbacks", {"queue": shop.key, "number": old}, Idempotency_Key=old)
    page = shop.callback(old)["status_url"]

    post(page, "number", "number", number=new)
    changed = post(page, "code", "code", new=code(shop, new), old=code(shop, old))
    assert "Done. We ring the new number from now on." in changed
    assert "<h1>You are next</h1>" in changed

    shop.home.carrier.hang_up(filler)
    shop.home.carrier.until(shop.home.carrier.call_to(new), "bridged")
    assert shop.home.carrier.creations(old) == []
    assert shop.in_state(new, "bridged")["status_url"] == page
