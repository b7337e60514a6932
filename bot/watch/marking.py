"""What all replicas share about the log: how large it was, and what golive itself left in it."""

from __future__ import annotations

from datetime import datetime

from bot.storage.store import Store
from bot.watch.lookout import Lookout


async def keep_marks(store: Store, lookout: Lookout, since: datetime) -> None:
    """Note how large the log is now, and take up what was noted since an instant.

    That gives times to a log that carries none. What this process does not know was noted before
    it began, or by another replica.

    Raises:
        StoreUnavailable: what is noted now is known here all the same.
    """
    fresh = await lookout.mark()
    if not fresh:
        return
    await store.add_marks(fresh)
    lookout.remember_marks(await store.marks({mark.path for mark in fresh}, since))


async def keep_events(store: Store, lookout: Lookout, since: datetime) -> None:
    """Take up the test events that any replica sent since an instant.

    Raises:
        StoreUnavailable: what this process sent is known here all the same.
    """
    lookout.remember_events(await store.own_events(since))
