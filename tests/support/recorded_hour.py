"""The recorded 400 seconds stretched to an hour: its log by byte share, its rows by their times.

The log carries no times, so a watch knows its minutes only by the marks that it records.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from tests.support.crm_rows import TABLES

LOG = Path(__file__).parent.parent / "fixtures" / "crm" / "app.log.gz"
BEGAN = datetime(2026, 11, 23, 21, 54, 30, tzinfo=UTC)
"""When the recording began, by its rows."""

STRETCH = 9
HOUR = timedelta(minutes=60)
_HELD = ("messages", "campaign_recipients")
"""Tables whose rows of the hour appear in their time; parents before children."""

_TIMED = {
    "messages": ("created_at", "last_retry_at"),
    "campaigns": ("created_at", "started_at", "completed_at", "updated_at", "scheduled_at"),
    "campaign_recipients": ("created_at", "sent_at", "updated_at"),
    "conversations": ("created_at", "updated_at"),
    "unit_whatsapp_connections": (
        "connected_at",
        "disconnected_at",
        "qr_updated_at",
        "created_at",
        "updated_at",
    ),
}


def stretched(instant: datetime, deployed_at: datetime) -> datetime:
    """A recorded instant in the hour that begins with the deploy."""
    return deployed_at + (instant - BEGAN) * STRETCH


@dataclass(slots=True, kw_only=True)
class RecordedHour:
    """Writes the log and the rows as far as the hour has come.

    url: a database that holds the recorded rows; their times are moved, and messages and
        recipients that lie in the future are kept back until their time comes.
    """

    log: Path
    url: str
    deployed_at: datetime
    _written: int = 0
    _whole: bytes = field(init=False, default=b"")
    _connection: psycopg.Connection[tuple[object, ...]] = field(init=False)

    def set_up(self) -> None:
        """An empty log, and rows with their new times, of which the hour's are kept back."""
        self._whole = gzip.decompress(LOG.read_bytes())
        self.log.write_bytes(b"")
        self._connection = psycopg.connect(self.url, autocommit=True)
        for table in TABLES:
            self._move(table)
        for table in reversed(_HELD):
            self._hold_back(table)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def reach(self, now: datetime) -> None:
        """Write what the application had written by then."""
        share = min(1.0, max(0.0, (now - self.deployed_at) / HOUR))
        end = int(len(self._whole) * share)
        if end > self._written:
            with self.log.open("ab") as log:
                log.write(self._whole[self._written : end])
            self._written = end
        for table in _HELD:
            self._release(table, now)
        self._connection.execute("SELECT pg_stat_force_next_flush()")

    def _columns(self, table: str) -> list[str]:
        found = self._connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s", (table,)
        ).fetchall()
        return [str(row[0]) for row in found]

    def _move(self, table: str) -> None:
        there = self._columns(table)
        for column in _TIMED.get(table, ()):
            if column in there:
                self._connection.execute(
                    sql.SQL(
                        "UPDATE {t} SET {c} = %(t0)s + ({c} - %(began)s) * %(stretch)s"
                        " WHERE {c} IS NOT NULL"
                    ).format(t=sql.Identifier(table), c=sql.Identifier(column)),
                    {"t0": self.deployed_at, "began": BEGAN, "stretch": STRETCH},
                )

    def _hold_back(self, table: str) -> None:
        later = sql.Identifier(f"later_{table}")
        name = sql.Identifier(table)
        self._connection.execute(
            sql.SQL("CREATE TABLE {l} AS SELECT * FROM {t} WHERE created_at > %s").format(
                l=later, t=name
            ),
            (self.deployed_at,),
        )
        self._connection.execute(
            sql.SQL("DELETE FROM {t} WHERE created_at > %s").format(t=name), (self.deployed_at,)
        )

    def _release(self, table: str, now: datetime) -> None:
        self._connection.execute(
            sql.SQL(
                "WITH due AS (DELETE FROM {l} WHERE created_at <= %s RETURNING *)"
                " INSERT INTO {t} SELECT * FROM due"
            ).format(l=sql.Identifier(f"later_{table}"), t=sql.Identifier(table)),
            (now,),
        )
