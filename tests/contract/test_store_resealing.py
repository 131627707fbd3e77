"""What an old key sealed, sealed again under the new one: all of it, in batches, and then without the old key."""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import select, update

from callback.adapters.store.resealing import SEALED
from callback.adapters.store.sealed import Sealer
from callback.adapters.store.sql_store import SqlStore
from callback.adapters.store.tables import callbacks, messages
from callback.domain.acts import Doer, What
from callback.domain.desk import Talk, WrapUp
from callback.domain.erasure import Erasure, Export
from callback.domain.ids import AgentKey, CallbackId, CallSid, EntryId, Token
from callback.domain.proof import NumberChange
from callback.flows import reseal
from callback.ports import SecondStep, User
from tests.contract.test_store_sealed import LINK, NAME, NEW_SECRET, NOTE, NUMBER, OTHER, fill
from tests.support.record import NOW, SECRET, SUPPORT, promised

DOER = Doer("cli:test")


def opened(store: SqlStore, key: str, *retired: str) -> SqlStore:
    return SqlStore(store.engine.url.render_as_string(hide_password=False), key, retired_keys=retired)


@pytest.fixture
def rotated(store: SqlStore) -> Iterator[SqlStore]:
    """The same record with a new key before the old one."""
    with closing(opened(store, NEW_SECRET, SECRET)) as made:
        yield made


def everything(store: SqlStore) -> CallbackId:
    """A row in every table that seals anything; the id of the promise."""
    made = CallbackId(fill(store))
    with store.begin() as work:
        work.put_user(User("ada@example.com", "admin", "hash"))
        work.put_second_step(SecondStep("ada@example.com", "JBSWY3DP", "KRSXG5A"))
        token, entry, call = Token("rs1"), EntryId("CA1"), CallSid("CA1")
        work.put_talk(Talk(token, AgentKey("zoe"), SUPPORT, entry, call, CallSid("CA2"), NOW, to=OTHER))
        work.put_wrap_up(WrapUp(token, AgentKey("zoe"), SUPPORT, entry, call, NOW, "", None, NOTE, NOW))
        work.put_number_change(NumberChange(made, OTHER, "h1", "h2", NOW))
        work.put_erasure(Erasure("er1", store.number_hash(OTHER), NOW, "test", number=OTHER))
        work.put_export(Export("ex1", NOW, "test", "person", f"/home/{NAME}", store.number_hash(OTHER)))
    return made


def under_old_keys(store: SqlStore) -> set[str]:
    """The tables with a value that does not begin with the mark of the new key, looked at one by one."""
    mark, found = Sealer([NEW_SECRET]).mark, set()
    with store.engine.connect() as connection:
        for name, table in SEALED.items():
            values = [value for row in connection.execute(select(table)) for value in row]
            if any(isinstance(value, bytes) and value and not value.startswith(mark) for value in values):
                found.add(name)
    return found


def test_everything_is_sealed_again_and_read_without_the_old_key(store: SqlStore, rotated: SqlStore) -> None:
    made = everything(store)
    assert under_old_keys(store) == set(SEALED) == set(reseal.left(rotated))
    seen: list[int] = []
    done = reseal.reseal(rotated, DOER, NOW, seen.append)
    assert (set(done.resealed), dict(done.unreadable)) == (set(SEALED), {})
    assert sum(seen) == sum(done.resealed.values())
    assert (reseal.left(rotated), under_old_keys(store)) == ({}, set())
    with closing(opened(store, NEW_SECRET, rotated.number_key())) as alone, alone.begin() as work:
        found = work.open_callback(SUPPORT, OTHER)
        assert found is not None
        assert (found.id, found.number, found.name, found.token) == (made, OTHER, NAME, LINK)
        assert found.context == {"note": NOTE}
        assert work.agent(AgentKey("zoe")).contact == NUMBER
        assert work.suppressed(NUMBER)
        step = work.second_step("ada@example.com")
        assert step is not None
        assert (step.secret, step.pending) == ("JBSWY3DP", "KRSXG5A")
        talk, notes, change = work.talk(Token("rs1")), work.wrap_up(Token("rs1")), work.number_change(made)
        assert talk is not None
        assert notes is not None
        assert change is not None
        assert (talk.to, notes.notes, change.number) == (OTHER, NOTE, OTHER)
        assert work.erasure("er1").number == OTHER
        (act,) = work.acts(what=What.RESEAL)
        assert (act.by, act.after) == ("cli:test", {"rows": sum(done.resealed.values())})


def test_it_goes_on_where_it_was_interrupted(store: SqlStore, rotated: SqlStore) -> None:
    with store.begin() as work:
        for number in range(5):
            promised(work, f"+1415555018{number}")
    with rotated.begin() as work:
        first = work.reseal("callbacks", after="", limit=2)
    assert (first.rows, first.unreadable, first.last is None) == (2, 0, False)
    with rotated.begin() as work:
        assert work.reseal("callbacks", after=str(first.last), limit=2).rows == 2
        assert work.reseal("callbacks", after="", limit=2).rows == 0, "those are done"
    assert reseal.left(rotated) == {"callbacks": 1}
    with pytest.raises(KeyboardInterrupt):
        reseal.reseal(rotated, DOER, NOW, interrupted)
    assert reseal.reseal(rotated, DOER, NOW).resealed == {}
    assert reseal.left(rotated) == {}


def interrupted(_: int) -> None:
    raise KeyboardInterrupt


def test_what_no_key_opens_is_told_and_stops_nothing(store: SqlStore, rotated: SqlStore) -> None:
    fill(store)
    with closing(opened(store, "a key that is lost")) as lost, lost.begin() as work:
        promised(work, "+14155550177")
    done = reseal.reseal(rotated, DOER, NOW)
    assert dict(done.unreadable) == {"callbacks": 1}
    assert done.resealed["callbacks"] == 1
    assert reseal.left(rotated) == {"callbacks": 1}
    assert reseal.reseal(rotated, DOER, NOW).resealed == {}


def test_what_a_process_with_the_old_key_seals_meanwhile_is_told_and_sealed_by_the_next_run(
    store: SqlStore, rotated: SqlStore
) -> None:
    with store.begin() as work:
        promised(work)

    def promise(_: int) -> None:
        with store.begin() as work:
            promised(work, "+14155550199")

    assert reseal.reseal(rotated, DOER, NOW, promise).meanwhile == {"callbacks": 1}
    done = reseal.reseal(rotated, DOER, NOW)
    assert (done.resealed, done.meanwhile) == ({"callbacks": 1}, {})


def test_whoever_writes_a_row_meanwhile_is_not_taken_back(store: SqlStore, rotated: SqlStore) -> None:
    """The row is read, somebody else writes it, and the old value is not written over theirs."""
    made = fill(store)
    theirs = Sealer([NEW_SECRET]).seal("Another name", f"callbacks.name:{made}")
    with store.engine.connect() as connection:
        row = connection.execute(select(callbacks)).one()
    with rotated.engine.begin() as connection:
        connection.execute(update(callbacks).values(name=theirs))
    with rotated.begin() as work:
        assert work._reseal_row(callbacks, row)  # type: ignore[attr-defined]
    with rotated.begin() as work:
        assert work.callback(CallbackId(made)).name == "Another name"


def test_what_was_erased_stays_so(store: SqlStore, rotated: SqlStore) -> None:
    fill(store)
    with store.engine.begin() as connection:
        connection.execute(update(messages).values(number=b"", body=b""))
        connection.execute(update(callbacks).values(name=None))
    reseal.reseal(rotated, DOER, NOW)
    with rotated.engine.connect() as connection:
        assert connection.execute(select(messages.c.number, messages.c.body)).one() == (b"", b"")
        assert connection.execute(select(callbacks.c.name)).scalar_one() is None


def test_the_key_of_numbers_opens_nothing_and_is_no_key_to_seal_with() -> None:
    old = Sealer([SECRET])
    kept = old.number_key()
    assert re.fullmatch("numbers:[0-9a-f]{64}", kept)
    fresh = Sealer([NEW_SECRET, kept])
    assert fresh.number_hash(NUMBER) == old.number_hash(NUMBER)
    assert fresh.number_key() == kept
    with pytest.raises(Exception, match="not at hand"):
        fresh.open(old.seal(NAME, "here"), "here")
    for keys in ([kept], [kept, NEW_SECRET], [NEW_SECRET, kept, SECRET], [NEW_SECRET, "numbers:12"]):
        with pytest.raises(ValueError, match=r"key|hex"):
            Sealer(keys)
