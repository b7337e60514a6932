"""How large the log was, shared by all replicas: what gives times to a log that carries none."""

from __future__ import annotations

from datetime import datetime

from bot.storage.store import Store
from bot.watch.lookout import Lookout


async def keep_marks(store: Store, lookout: Lookout, since: datetime) -> None:
    """Note how large the log is now, and take up what was noted since an instant.

    What this process does not know was noted before it began, or by another replica.

    Raises:
        StoreUnavailable: what is noted now is known here all the same.
    """
    fresh = await lookout.mark()
    if not fresh:
        return
    await store.add_marks(fresh)
    lookout.remember_marks(await store.marks({mark.path for mark in fresh}, since))
