"""What people decided, the audit of what was done, and which of Slack's deliveries are known."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from bot.storage.codec import as_text, decoded_map, dumps, from_text
from bot.storage.database import Connection, Row, fetch, utc
from bot.storage.part import Part, maybe_from_text
from bot.storage.values import AuditEntry
from bot.watch.model import Note, NoteKind

_ADD: Final = """
    INSERT INTO golive.notes (deployment_id, kind, by, at, check_id, reason, until)
    VALUES (%(id)s, %(kind)s, %(by)s, %(at)s, %(check)s, %(reason)s, %(until)s)
"""
"""What a person decided."""

_NOTES: Final = """
    SELECT kind, by, at, check_id, reason, until FROM golive.notes
    WHERE deployment_id = %(id)s ORDER BY at, id
"""
"""All notes of a watch, oldest first."""

_AUDIT: Final = """
    INSERT INTO golive.audit_log (at, by, action, outcome, channel, deployment_id, details)
    VALUES (%(at)s, %(by)s, %(action)s, %(outcome)s, %(channel)s, %(id)s, %(details)s)
"""
"""Who did what."""

_AUDIT_OF: Final = """
    SELECT at, by, action, outcome, channel, deployment_id, details FROM golive.audit_log
    WHERE deployment_id = %(id)s ORDER BY id
"""
"""The audit of a watch, in the order in which it was written."""

_DELIVER: Final = """
    INSERT INTO golive.deliveries (key, at) VALUES (%(key)s, %(at)s)
    ON CONFLICT (key) DO NOTHING
    RETURNING key
"""
"""The first to write the key has the delivery."""


class Notes(Part):
    """Notes, audit and deliveries."""

    async def add_note(self, deployment_id: UUID, note: Note) -> None:
        """Add what a person decided."""
        values: Row = {
            "id": deployment_id,
            "kind": note.kind.value,
            "by": as_text(note.by),
            "at": utc(note.at),
            "check": None if note.check is None else as_text(note.check),
            "reason": as_text(note.reason),
            "until": None if note.until is None else utc(note.until),
        }
        await self._database.fetch(_ADD, values)

    async def notes(self, deployment_id: UUID) -> tuple[Note, ...]:
        """All notes of a watch, oldest first, expired ones too."""
        rows = await self._database.fetch(_NOTES, {"id": deployment_id})
        return tuple(
            Note(
                kind=NoteKind(row["kind"]),
                by=from_text(row["by"]),
                at=row["at"],
                check=maybe_from_text(row["check_id"]),
                reason=from_text(row["reason"]),
                until=row["until"],
            )
            for row in rows
        )

    async def audit(self, entry: AuditEntry) -> None:
        """Add an entry to the audit."""
        async with self._database.transaction() as connection:
            await audit_in(connection, entry)

    async def audit_of(self, deployment_id: UUID) -> tuple[AuditEntry, ...]:
        """The audit of a watch, oldest first."""
        async with self._database.transaction() as connection:
            rows = await fetch(connection, _AUDIT_OF, {"id": deployment_id})
            return tuple(
                AuditEntry(
                    at=row["at"],
                    by=from_text(row["by"]),
                    action=from_text(row["action"]),
                    outcome=from_text(row["outcome"]),
                    channel=maybe_from_text(row["channel"]),
                    deployment_id=row["deployment_id"],
                    details=decoded_map(row["details"]),
                )
                for row in rows
            )

    async def deliver_once(self, key: str, at: datetime) -> bool:
        """Whether this delivery of Slack's is new; of many calls with one key, one says True."""
        return bool(await self._database.fetch(_DELIVER, {"key": as_text(key), "at": utc(at)}))


async def audit_in(connection: Connection, entry: AuditEntry) -> None:
    """Add an entry to the audit, in a transaction under way."""
    values: Row = {
        "at": utc(entry.at),
        "by": as_text(entry.by),
        "action": as_text(entry.action),
        "outcome": as_text(entry.outcome),
        "channel": None if entry.channel is None else as_text(entry.channel),
        "id": entry.deployment_id,
        "details": dumps(entry.details),
    }
    await fetch(connection, _AUDIT, values)
