"""What the store's parts have in common: the database, the lease, the names of columns."""

from __future__ import annotations

from bot.storage.codec import from_text
from bot.storage.database import Row, StoreDatabase
from bot.watch.model import Deployment


class Part:
    """One topic of the store.

    lease: seconds for which a claim is safe from others, by the database's clock.
    """

    def __init__(self, database: StoreDatabase, *, lease: float) -> None:
        self._database = database
        self._lease = lease

    @property
    def lease(self) -> float:
        """Seconds for which a claim is safe from others."""
        return self._lease


def deployment_of(row: Row) -> Deployment:
    """A row of golive.deployments."""
    return Deployment(
        id=row["id"],
        channel=from_text(row["channel"]),
        version=from_text(row["version"]),
        deployed_at=row["deployed_at"],
        started_by=from_text(row["started_by"]),
        started_at=row["started_at"],
        closed_at=row["closed_at"],
        closed_by=maybe_from_text(row["closed_by"]),
    )


def maybe_from_text(stored: str | None) -> str | None:
    """A column's text as it was given; None stays None."""
    return None if stored is None else from_text(stored)
