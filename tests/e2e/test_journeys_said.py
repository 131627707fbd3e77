"""What callers are told reaches the record through the web's own thread, the stream and a keeper."""

from tests.support.installation import OpenShop, http
from tests.support.people import INSISTS
from tests.support.waiting import eventually


def test_what_a_caller_is_told_is_in_the_record_within_seconds(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.occupy()

    def written() -> int:
        figures = str(http("GET", f"{shop.home.base}/metrics"))
        return int(float(figures.split("\ncallback_predictions_total ")[1].split(maxsplit=1)[0]))

    before = written()
    shop.home.carrier.until(shop.ring(*INSISTS), "ended")
    eventually(lambda: written() >= before + 2, what="the arrival and the promise are in the record")
