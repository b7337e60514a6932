"""What happened to the application's rows, seen by the database itself and not by golive."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

import psycopg

from tests.faults.truth import rows

_SET_UP: LiteralString = """
    CREATE SCHEMA witness;
    CREATE TABLE witness.changes (
        n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        row_id uuid NOT NULL, before text, after text
    );
    CREATE FUNCTION witness.status() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        INSERT INTO witness.changes (row_id, before, after) VALUES (OLD.id, OLD.status, NEW.status);
        RETURN NULL;
    END $$;
    CREATE FUNCTION witness.secret() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        INSERT INTO witness.changes (row_id, before, after)
        VALUES (OLD.id, OLD.webhook_secret, NEW.webhook_secret);
        RETURN NULL;
    END $$;
    CREATE TRIGGER witness AFTER UPDATE OF status ON messages
        FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
        EXECUTE FUNCTION witness.status();
    CREATE TRIGGER witness AFTER UPDATE OF webhook_secret ON unit_whatsapp_connections
        FOR EACH ROW WHEN (OLD.webhook_secret IS DISTINCT FROM NEW.webhook_secret)
        EXECUTE FUNCTION witness.secret();
"""
_CHANGES: LiteralString = "SELECT row_id, before, after FROM witness.changes ORDER BY n"


@dataclass(frozen=True, slots=True)
class Change:
    """One committed change of the one column of a row that is watched."""

    row: UUID
    before: str | None
    after: str | None


class Witness:
    """Writes down every committed change of a message's status and of a webhook's secret.

    Args:
        url: of the application's database, by its owner.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def begin(self) -> None:
        """From now on."""
        with psycopg.connect(self._url) as connection:
            connection.execute(_SET_UP)

    @property
    def changes(self) -> list[Change]:
        """All of them, oldest first."""
        return [Change(r["row_id"], r["before"], r["after"]) for r in rows(self._url, _CHANGES)]

    def count(self, after: str) -> Counter[UUID]:
        """How often each row came to a value."""
        return Counter(change.row for change in self.changes if change.after == after)
