"""A row is damaged by hand under a running house: the next caller is served, and it goes on once it is mended."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import create_engine

from tests.support.installation import Installation, OpenShop, Refused, Shop
from tests.support.people import TALKS
from tests.support.waiting import eventually


@contextmanager
def torn(home: Installation, id: str) -> Iterator[None]:
    """The sealed number of a callback is nonsense, for a while."""
    engine = create_engine(home.database_url)
    where = f"WHERE id = '{id}'"
    with engine.begin() as connection:
        whole = bytes(connection.exec_driver_sql(f"SELECT number FROM callbacks {where}").scalar_one())
        connection.exec_driver_sql(f"UPDATE callbacks SET number = CAST('torn' AS BLOB) {where}")
    yield
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE callbacks SET number = ? {where}", (whole,))
    engine.dispose()


def asks(shop: Shop) -> tuple[str, str]:
    """Somebody asks for a callback: their number, and its id. They talk when they are called."""
    number = shop.home.new_number()
    shop.home.carrier.person(number, script=TALKS)
    made = shop.home.api("POST", "/callbacks", {"queue": shop.key, "number": number}, Idempotency_Key=number)
    return number, made["id"]


def served(shop: Shop, number: str) -> None:
    """They are called once, talk, and ring off."""
    leg = shop.home.carrier.call_to(number)
    shop.home.carrier.until(leg, "bridged")
    shop.home.carrier.hang_up(leg)
    shop.in_state(number, "completed")


def held(shop: Shop, id: str) -> dict[str, Any]:
    """What is set aside about that callback, once it is."""

    def found() -> dict[str, Any]:
        items = shop.home.api("GET", "/quarantine")["items"]
        return next((item for item in items if item["subject"] == id), {})

    return eventually(found, within_s=30, every_s=0.1, what="it is set aside")


def test_a_damaged_row_stands_in_nobodys_way_and_has_its_old_place_when_it_is_mended(open_shop: OpenShop) -> None:
    shop = open_shop()
    filler = shop.occupy()
    (ada, damaged), (bob, _), (cem, last) = asks(shop), asks(shop), asks(shop)
    with torn(shop.home, damaged):
        began = monotonic()
        shop.home.carrier.hang_up(filler)
        served(shop, bob)
        assert monotonic() - began < 20, "in the usual time"
        failure = held(shop, damaged)
        assert (failure["kind"], failure["queue"]) == ("callback", shop.key)
        assert ada not in str(failure)
        with pytest.raises(Refused, match="409"):
            shop.home.api("POST", f"/quarantine/{failure['id']}/retry")
        served(shop, cem)
        assert shop.home.carrier.creations(ada) == []
        shop.nobody_left()
    filler = shop.occupy()
    behind, _ = asks(shop)
    assert shop.home.api("POST", f"/quarantine/{failure['id']}/retry")["resolution"] == "retried"
    assert [shop.callback(number)["position"] for number in (ada, behind)] == [1, 2]
    shop.home.carrier.hang_up(filler)
    served(shop, ada)
    served(shop, behind)
    assert shop.home.carrier.creations(ada) == [ada]
    assert shop.home.api("GET", f"/callbacks/{last}")["state"] == "completed"
    shop.nobody_left()
