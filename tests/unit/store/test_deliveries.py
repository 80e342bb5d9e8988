"""Deliveries are kept once, let through again after a failure, and worked off in order."""

from collections.abc import Iterator
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from app.store import Database, deliveries
from app.store.deliveries import MAX_ATTEMPTS, NewDelivery, Receipt
from app.store.tables import deliveries as table


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    database = Database(migrated_url)
    yield database
    database.close()


def new(number: int = 1, *, forge: str = "github", body: bytes = b"{}", at: float = 100.0) -> NewDelivery:
    return NewDelivery(
        forge=forge, delivery_id=f"d-{number}", event="push", hook_id="7", received_at=at, body=body
    )


def keep(database: Database, *batch: NewDelivery) -> list[Receipt]:
    with database.unit() as unit:
        return deliveries.store(unit, batch)


def end(database: Database, identifier: int, status: str, reason: str = "") -> bool:
    with database.unit() as unit:
        return deliveries.finish(unit, identifier, status, reason)


def loaded(database: Database, identifier: int) -> deliveries.StoredDelivery:
    with database.engine.connect() as connection:
        found = deliveries.load(connection, identifier)
    assert found is not None
    return found


def waiting(database: Database, now: float = 1000.0, limit: int = 1000) -> list[int]:
    with database.engine.connect() as connection:
        return deliveries.to_do(connection, now, limit)


def test_a_batch_is_kept_in_order_and_each_is_woken(database: Database) -> None:
    with database.unit() as unit:
        receipts = deliveries.store(unit, [new(n, body=b'{"n": %d}' % n) for n in range(50)])
    assert [receipt.stored for receipt in receipts] == [True] * 50
    identifiers = [receipt.id for receipt in receipts]
    assert identifiers == sorted(identifiers)
    assert unit.wakes == [("delivery", identifier) for identifier in identifiers]
    assert waiting(database) == identifiers
    for n, identifier in enumerate(identifiers):
        found = loaded(database, identifier)
        assert (found.delivery_id, found.body, found.status) == (f"d-{n}", b'{"n": %d}' % n, "stored")


@pytest.mark.parametrize("body", [b"", b"\x00\xff" * 1000, b"x" * 3_000_000], ids=["empty", "binary", "long"])
def test_bytes_come_back_as_they_were(database: Database, body: bytes) -> None:
    [receipt] = keep(database, new(body=body))
    assert loaded(database, receipt.id).body == body


def test_bodies_are_stored_compressed(database: Database) -> None:
    [receipt] = keep(database, new(body=b'{"ref": "refs/heads/main"}' * 1000))
    with database.engine.connect() as connection:
        kept = connection.execute(select(table.c.body).where(table.c.id == receipt.id)).scalar_one()
    assert len(kept) < 1000


def test_a_redelivery_is_a_duplicate_and_changes_nothing(database: Database) -> None:
    [first] = keep(database, new(body=b"first"))
    with database.unit() as unit:
        again = deliveries.store(unit, [new(2), new(body=b"second"), new(3)])
    assert again[1] == Receipt(id=first.id, stored=False)
    assert again[0].stored
    assert again[2].stored
    assert unit.wakes == [("delivery", again[0].id), ("delivery", again[2].id)]
    assert loaded(database, first.id).body == b"first"


def test_the_same_delivery_twice_in_one_batch_is_kept_once(database: Database) -> None:
    first, second, other = keep(database, new(body=b"first"), new(body=b"second"), new(forge="gitlab"))
    assert (first.stored, second.stored, other.stored) == (True, False, True)
    assert first.id == second.id != other.id
    assert loaded(database, first.id).body == b"first"


@pytest.mark.parametrize("status", ["done", "ignored"])
def test_what_was_worked_off_is_not_done_again(database: Database, status: str) -> None:
    [first] = keep(database, new())
    assert end(database, first.id, status, "because")
    assert keep(database, new()) == [Receipt(id=first.id, stored=False)]
    assert waiting(database) == []
    assert loaded(database, first.id).reason == "because"


def test_a_failed_one_is_let_through_with_its_new_body(database: Database) -> None:
    [first] = keep(database, new(body=b"old", at=100.0))
    with database.unit() as unit:
        deliveries.postpone(unit, first.id, 900.0, "the forge is down")
    assert end(database, first.id, "failed", "gave up")
    with database.unit() as unit:
        again = deliveries.store(unit, [new(body=b"new", at=500.0), new(body=b"twice", at=501.0)])
    assert again == [Receipt(id=first.id, stored=True), Receipt(id=first.id, stored=False)]
    assert unit.wakes == [("delivery", first.id)]
    found = loaded(database, first.id)
    assert (found.status, found.body, found.received_at, found.attempts, found.reason) == (
        "stored",
        b"new",
        500.0,
        0,
        "",
    )
    assert waiting(database, now=501.0) == [first.id]


def test_only_one_finish_counts(database: Database) -> None:
    [receipt] = keep(database, new())
    assert end(database, receipt.id, "done")
    assert not end(database, receipt.id, "failed", "late")
    assert not end(database, receipt.id + 1, "done")
    assert loaded(database, receipt.id).status == "done"


def test_postponed_until_its_time_and_failed_after_the_last_attempt(database: Database) -> None:
    [receipt] = keep(database, new())
    for attempt in range(1, MAX_ATTEMPTS):
        with database.unit() as unit:
            assert deliveries.postpone(unit, receipt.id, 100.0 * attempt, "no answer") == "stored"
        assert waiting(database, now=100.0 * attempt - 1) == []
        assert waiting(database, now=100.0 * attempt) == [receipt.id]
    with database.unit() as unit:
        assert deliveries.postpone(unit, receipt.id, 900.0, "no answer") == "failed"
        assert deliveries.postpone(unit, receipt.id, 900.0, "no answer") == ""
    found = loaded(database, receipt.id)
    assert (found.status, found.attempts, found.reason) == ("failed", MAX_ATTEMPTS, "no answer")
    assert waiting(database) == []


def test_to_do_is_oldest_first_and_bounded(database: Database) -> None:
    identifiers = [receipt.id for receipt in keep(database, *(new(n) for n in range(10)))]
    assert waiting(database, limit=3) == identifiers[:3]


def test_a_transaction_that_fails_keeps_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.unit() as unit:
        deliveries.store(unit, [new()])
        raise RuntimeError("the process dies here")
    assert waiting(database) == []


def test_the_same_delivery_from_two_threads_is_stored_once(database: Database) -> None:
    start = Barrier(4)
    receipts: list[Receipt] = []

    def deliver() -> None:
        start.wait()
        receipts.extend(keep(database, *(new(n) for n in range(20))))

    threads = [Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(receipt.stored for receipt in receipts) == 20
    assert len({receipt.id for receipt in receipts}) == 20
    assert len(receipts) == 80


def test_an_absent_delivery_is_none(database: Database) -> None:
    with database.engine.connect() as connection:
        assert deliveries.load(connection, 1) is None
