"""What the record knows of callers who hold: their number too, though it only ever passes the line sealed."""

from callback.flows import persist
from tests.support.house import StagedHouse


def test_a_holder_is_on_record_with_their_number_which_the_line_never_saw(staged: StagedHouse) -> None:
    staged.queue(offer_at_wait_s=100_000, stop_offering_at_wait_s=100_000)
    leg = staged.ring_in("+12015550177")
    passed = [fields for _, fields in staged.house.line.drain("0", 100)]
    assert passed
    assert not [fields for fields in passed if "2015550177" in str(fields)]
    persist.persist(staged.house)
    with staged.house.store.begin() as work:
        found = work.leg(leg.sid)
    assert found is not None
    assert found.number == "+12015550177"


def test_a_withheld_number_stays_unknown(staged: StagedHouse) -> None:
    staged.queue(offer_at_wait_s=100_000, stop_offering_at_wait_s=100_000)
    leg = staged.ring_in("anonymous")
    persist.persist(staged.house)
    with staged.house.store.begin() as work:
        found = work.leg(leg.sid)
    assert found is not None
    assert found.number == ""
