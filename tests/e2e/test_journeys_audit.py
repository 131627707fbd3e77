"""After real calls, `callback audit` proves from the outside what the journeys say one by one."""

from tests.support.installation import OpenShop
from tests.support.people import TALKS


def test_an_audit_of_real_calls_holds_and_counts_them(open_shop: OpenShop) -> None:
    shop = open_shop(agents=2)
    carrier = shop.home.carrier
    before = shop.home.audit()
    for _ in range(3):
        ada = shop.home.new_number()
        carrier.person(ada, script=TALKS)
        shop.home.api("POST", "/callbacks", {"queue": shop.key, "number": ada}, Idempotency_Key=f"audit {ada}")
        leg = carrier.call_to(ada)
        carrier.until(leg, "bridged")
        carrier.hang_up(leg)
        shop.in_state(ada, "completed")
    shop.nobody_left()
    report = shop.home.audit()
    mine = [breach for breach in report["breaches"] if breach["queue"] in ("", shop.key)]
    assert mine == []
    assert report["seq"] > before["seq"]
    assert report["pairings"] - before["pairings"] >= 3
    assert report["dials"] - before["dials"] >= 3
