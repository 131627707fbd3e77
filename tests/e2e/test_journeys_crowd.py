"""A crowd of holders, callbacks and one of high priority: served in the order of the line, nobody twice."""

from collections import Counter

from tests.support.installation import OpenShop, Shop
from tests.support.people import HUMAN_CHECK, INSISTS, STAYS
from tests.support.waiting import eventually

CALLERS = 30
AGENTS = 3
TALK_S = 4


def test_thirty_callers_and_three_agents(open_shop: OpenShop) -> None:
    shop = open_shop(agents=AGENTS)
    carrier = shop.home.carrier
    fillers = [shop.occupy(at) for at in range(AGENTS)]
    numbers = [shop.home.new_number() for _ in range(CALLERS)]
    callers = {number: arrive(shop, number, takes_it=at % 2 == 1) for at, number in enumerate(numbers)}
    vip = arrive_as_vip(shop)
    eventually(
        lambda: shop.now()["waiting"] == {"live": CALLERS // 2 + 1, "callbacks": CALLERS // 2},
        within_s=100, every_s=0.2, what=f"everybody stands in line: {shop.now()['waiting']}",
    )  # fmt: skip

    for filler in fillers:
        carrier.hang_up(filler)
    eventually(lambda: everybody_served(shop), within_s=100, every_s=0.5, what=f"everybody served: {shop.now()}")
    shop.nobody_left()

    promised = numbers[1::2]
    assert [shop.callback(number)["state"] for number in promised] == ["completed"] * len(promised)
    assert Counter(carrier.creations(*numbers)) == Counter(promised)
    held = {callers[number]: number for number in numbers[0::2]}
    matched = order_of_service(shop, {shop.callback(number)["id"]: number for number in promised} | held | {vip: "vip"})
    assert matched == ["vip", *numbers], "in the order of their scores"


def arrive(shop: Shop, number: str, *, takes_it: bool) -> str:
    """One caller after the other, each once the one before stands in line."""
    answers = [{"match": HUMAN_CHECK, "press": "1"}]
    shop.home.carrier.person(number, on_say=answers, talk_s=TALK_S, after_s=1)
    call = shop.ring(*(INSISTS if takes_it else STAYS), number=number, talk_s=TALK_S)
    shop.home.carrier.until(call, "answered")
    return call


def arrive_as_vip(shop: Shop) -> str:
    """Through a number whose own URL names the priority."""
    shop.home.carrier.point(shop.number, shop.home.base, query=f"?queue={shop.key}&priority=vip")
    call = shop.ring(*STAYS, talk_s=TALK_S)
    shop.home.carrier.until(call, "enqueued")
    return call


def everybody_served(shop: Shop) -> bool:
    """Nobody waits and nobody talks."""
    now = shop.now()
    free: int = now["agents"]["available"]
    return now["waiting"] == {"live": 0, "callbacks": 0} and free == AGENTS


def order_of_service(shop: Shop, names: dict[str, str]) -> list[str]:
    """Who was paired with an agent, in order, by the names given to calls and callbacks."""
    reserved = [entry for entry in shop.journal(kind="agent", to="reserved") if entry["cause"] in names]
    return [names[entry["cause"]] for entry in reserved]
