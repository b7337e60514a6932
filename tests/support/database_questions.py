"""Small questions to a database, and what it says about them."""

from __future__ import annotations

from typing import LiteralString

from checks.engine.check import Query
from checks.engine.model import DatabaseEvidence, Row
from checks.sources.database import PostgresDatabase
from checks.sources.database.snapshot import Limits


def query(name: str, sql: LiteralString, **reads: tuple[str, ...]) -> Query:
    """A query by hand."""
    return Query(name=name, sql=sql, reads=reads)


ONE = query("one", "SELECT 1 AS n")
COUNT = query("count", "SELECT count(*) AS n FROM messages", messages=("id",))
AGAIN = query("again", "SELECT count(*) AS n FROM messages", messages=("id",))
BROKEN = query("broken", "SELECT 1 / 0 AS n")


def without_values(*queries: Query) -> list[tuple[Query, dict[str, object]]]:
    """Work whose queries bind nothing."""
    return [(q, {}) for q in queries]


async def ask(
    url: str, *queries: Query, pipelined: bool | None = None, limits: Limits | None = None
) -> DatabaseEvidence:
    """The answers to these queries, without parameters."""
    async with PostgresDatabase(url, pipelined=pipelined, limits=limits) as database:
        return await database.collect(without_values(*queries))


def problem(evidence: DatabaseEvidence, of: Query | None = None) -> str:
    """The sentence that is said about a query, or about the connection."""
    found = evidence.problem if of is None else evidence.results[of.name].problem
    assert found is not None
    return str(found)


def row(evidence: DatabaseEvidence, of: Query) -> Row:
    """The only row of a query."""
    (only,) = evidence.results[of.name].rows
    return only
