"""Rows of the monitored application: the recorded ones, and helpers that insert a few by hand."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import LiteralString, Self, cast
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from tests.support.secrecy.planted import Kind, plant_found

FIXTURES = Path(__file__).parent.parent / "fixtures" / "crm" / "database"
TABLES = (
    "units",
    "contacts",
    "leads",
    "unit_whatsapp_connections",
    "conversations",
    "messages",
    "campaigns",
    "campaign_recipients",
)
"""Parents before children."""


def load_fixture_rows(url: str) -> None:
    """Copy the recorded rows of the application into a database with its tables."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for table in TABLES:
            with gzip.open(FIXTURES / f"{table}.csv.gz", "rt", encoding="utf-8") as lines:
                header = next(lines).strip().split(",")
                statement = sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT csv)").format(
                    sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, header))
                )
                with cursor.copy(statement) as copy:
                    for line in lines:
                        copy.write(line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit and its connection."""

    id: UUID
    connection: UUID


@dataclass(slots=True)
class Rows:
    """Inserts rows of the application, each committed at once: `with Rows(url) as rows: …`."""

    url: str
    _connection: psycopg.Connection[tuple[object, ...]] = field(init=False)
    _numbers: count[int] = field(init=False, default_factory=lambda: count(1))

    def __enter__(self) -> Self:
        self._connection = psycopg.connect(self.url, autocommit=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        # Else the session's insert counters reach the statistics only some time after its end.
        self._connection.execute("SELECT pg_stat_force_next_flush()")
        self._connection.close()

    def run(self, statement: LiteralString, **values: object) -> None:
        """Any other statement."""
        self._connection.execute(statement, values)

    def insert(self, table: LiteralString, **values: object) -> UUID:
        """Insert one row; its id."""
        key = uuid4()
        row = {"id": key, **values}
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Placeholder, row)),
        )
        self._connection.execute(statement, row)
        return key

    def unit(self, name: str, *, created_at: datetime, **connection: object) -> Unit:
        """A unit with a connection, connected unless told otherwise."""
        unit = self.insert("units", name=name, slug=name.lower(), created_at=created_at)
        values: dict[str, object] = {
            "instance_id": f"unit_{str(unit)[:8]}",
            "status": "connected",
            "connected_at": created_at,
            "updated_at": created_at,
            "webhook_secret": f"{uuid4().hex}{uuid4().hex}",
            **connection,
        }
        plant_found(Kind.WEBHOOK, [values["webhook_secret"]])
        config = getattr(values.get("provider_config"), "obj", None)
        if isinstance(config, dict):
            plant_found(Kind.KEY, [cast("dict[str, object]", config).get("apiKey")])
        return Unit(
            id=unit,
            connection=self.insert(
                "unit_whatsapp_connections", unit_id=unit, created_at=created_at, **values
            ),
        )

    def contact(self, *, created_at: datetime) -> UUID:
        """A contact, who belongs to no unit."""
        phone = f"55119{next(self._numbers):08d}"
        return self.insert("contacts", phone=phone, created_at=created_at)

    def conversation(self, unit: Unit, *, created_at: datetime, **values: object) -> UUID:
        """A conversation of a unit with a new contact, unless told otherwise."""
        row: dict[str, object] = {"unit_id": unit.id, "instance_id": unit.connection, **values}
        if "contact_id" not in row:
            row["contact_id"] = self.contact(created_at=created_at)
        return self.insert("conversations", created_at=created_at, **row)

    def message(self, conversation: UUID, *, created_at: datetime, **values: object) -> UUID:
        """An outbound message that was sent, unless told otherwise."""
        row: dict[str, object] = {
            "sender": "agent",
            "status": "sent",
            "external_id": uuid4().hex[:20].upper(),
            "content": "hello",
            **values,
        }
        return self.insert("messages", conversation_id=conversation, created_at=created_at, **row)

    def campaign(
        self,
        unit: Unit,
        *,
        created_at: datetime,
        recipients: tuple[str, ...] = (),
        sent_at: datetime | None = None,
        **values: object,
    ) -> UUID:
        """A campaign with one recipient for each status given; sends are two seconds apart."""
        row: dict[str, object] = {"name": "Promo", "status": "processing", **values}
        campaign = self.insert("campaigns", unit_id=unit.id, created_at=created_at, **row)
        for number, status in enumerate(recipients):
            was_sent = sent_at is not None and status in {"sent", "delivered", "read"}
            self.insert(
                "campaign_recipients",
                campaign_id=campaign,
                contact_id=self.contact(created_at=created_at),
                status=status,
                created_at=created_at,
                sent_at=sent_at - timedelta(seconds=2 * number) if was_sent and sent_at else None,
            )
        return campaign
