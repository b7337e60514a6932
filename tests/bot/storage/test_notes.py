"""Notes, the audit, deliveries, log marks and the keys that are made once."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from psycopg import errors

from bot.storage.store import Store
from bot.storage.values import AuditEntry
from bot.watch.model import Deployment, Note, NoteKind
from checks.sources.logs.source import Mark
from tests.bot.storage.things import OWNERS, T0, later, rows


async def test_notes_come_back_as_given(store: Store, watch: Deployment) -> None:
    """Oldest first, whatever was written first."""
    silence = Note(
        kind=NoteKind.SILENCE, by="U1", at=later(2), check="auth", reason="a\x00b", until=later(9)
    )
    ack = Note(kind=NoteKind.ACK, by="U2", at=later(1))
    await store.add_note(watch.id, silence)
    await store.add_note(watch.id, ack)
    assert await store.notes(watch.id) == (ack, silence)


ENTRY = AuditEntry(
    at=T0, by="U1", action="start", outcome="Started.", channel="C1", details={"z": 1, "a": [None]}
)


async def test_audit_comes_back_as_given(store: Store, watch: Deployment) -> None:
    """In the order in which it was written; entries without a watch are kept too."""
    first = AuditEntry(at=later(5), by="golive", action="close", deployment_id=watch.id)
    second = AuditEntry(
        at=T0, by="U1", action="start", deployment_id=watch.id, details={"a\x00": "\ud800"}
    )
    for entry in (first, second, ENTRY):
        await store.audit(entry)
    assert await store.audit_of(watch.id) == (first, second)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE golive.audit_log SET outcome = ''",
        "DELETE FROM golive.audit_log",
        "TRUNCATE golive.audit_log",
        "TRUNCATE golive.audit_log CASCADE",
    ],
)
async def test_audit_cannot_be_changed(store: Store, store_database: str, change: str) -> None:
    """Not even by the tables' owner."""
    await store.audit(ENTRY)
    with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
        rows(store_database, change)
    assert rows(store_database, "SELECT outcome FROM golive.audit_log") == [("Started.",)]


async def test_audit_knows_when_it_was_written(store: Store, store_database: str) -> None:
    """The database's own clock stands beside the given instant."""
    await store.audit(ENTRY)
    ((fresh,),) = rows(store_database, "SELECT now() - recorded_at < '1 min' FROM golive.audit_log")
    assert fresh is True


async def test_delivery_is_new_once(store: Store) -> None:
    """Of twenty replicas that get the same envelope one handles it."""
    new = await asyncio.gather(*(store.deliver_once("Ev1", T0) for _ in OWNERS))
    assert new.count(True) == 1
    assert await store.deliver_once("Ev2", T0)


def mark(minutes: float, path: str = "app.log", offset: int = 0) -> Mark:
    """A file's size at an instant."""
    return Mark(path=path, at=later(minutes), inode=2**64 - 1, offset=offset)


async def test_marks_reach_back_to_the_last_one_before(store: Store) -> None:
    """So that the window's beginning has an offset; of the asked files only."""
    other = "\udcff.log"  # a name that is not UTF-8
    marks = [mark(0), mark(1), mark(2), mark(3), mark(0.5, other), mark(2, "third.log")]
    await store.add_marks(marks)
    found = await store.marks(["app.log", other], later(1.5))
    assert found == (mark(0.5, other), mark(1), mark(2), mark(3))


async def test_first_mark_of_an_instant_stays(store: Store) -> None:
    """Two replicas that look at the same instant agree on one size."""
    await store.add_marks([mark(1, offset=5)])
    await store.add_marks([mark(1, offset=6)])
    assert await store.marks(["app.log"], T0) == (mark(1, offset=5),)


async def test_marks_of_many_replicas_do_not_block_each_other(store: Store) -> None:
    """Whatever the order in which each gives them."""
    marks = [mark(1, path=str(n)) for n in range(5)]
    await asyncio.gather(
        *(store.add_marks(marks if n % 2 else marks[::-1]) for n in range(len(OWNERS)))
    )
    assert len(await store.marks([str(n) for n in range(5)], T0)) == 5


async def test_pruning_keeps_the_last_mark_of_a_file(store: Store) -> None:
    """A quiet log keeps the only offset that says where the window begins."""
    await store.add_marks([mark(0), mark(1), mark(3), mark(0, "quiet.log")])
    await store.prune(later(2))
    assert await store.marks(["app.log", "quiet.log"], T0) == (
        mark(0, "quiet.log"),
        mark(1),
        mark(3),
    )


async def test_pruning_forgets_old_deliveries(store: Store) -> None:
    """They are known for as long as Slack may repeat them."""
    await store.deliver_once("old", T0)
    await store.deliver_once("new", later(3))
    await store.prune(later(2))
    assert await store.deliver_once("old", later(4))
    assert not await store.deliver_once("new", later(4))


async def test_fingerprint_key_is_made_once(store: Store, hasty: Store) -> None:
    """All replicas get the same 32 random bytes."""
    found = await asyncio.gather(*(s.fingerprint_key() for s in (store, hasty) * 10))
    assert len(set(found)) == 1
    assert len(found[0]) == 32


async def test_store_knows_who_it_is(store: Store, hasty: Store, store_database: str) -> None:
    """The id is the same for all replicas, and another one after the store was replaced."""
    before = await store.store_id()
    assert await hasty.store_id() == before
    with psycopg.connect(store_database) as connection:
        connection.execute("DROP SCHEMA golive CASCADE")
    await store.open()
    assert await store.store_id() != before


async def test_instant_without_a_zone_is_refused(store: Store) -> None:
    """Nobody knows which instant is meant."""
    with pytest.raises(ValueError, match="zone"):
        await store.deliver_once("a", T0.replace(tzinfo=None))
