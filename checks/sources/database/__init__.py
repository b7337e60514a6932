"""The application's database, read-only: one snapshot and, where possible, one round trip."""

from __future__ import annotations

from checks.sources.database.source import Database, LiveSecrets, PostgresDatabase

__all__ = ["Database", "LiveSecrets", "PostgresDatabase"]
