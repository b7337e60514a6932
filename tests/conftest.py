"""PostgreSQL for the tests: one server a worker, one template a shape, one clone a test."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from bot.demo.postgres import EmbeddedPostgres, crm_schema
from tests.support.crm_rows import load_fixture_rows


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """A running server of this test process's own."""
    with EmbeddedPostgres() as server:
        yield server


@pytest.fixture(scope="session")
def crm_template(postgres_server: EmbeddedPostgres) -> str:
    """The name of a database with the application's empty tables."""
    postgres_server.create_database("crm_template", script=crm_schema())
    return "crm_template"


@pytest.fixture(scope="session")
def crm_fixture_template(postgres_server: EmbeddedPostgres, crm_template: str) -> str:
    """The name of a database with the recorded rows of the application."""
    load_fixture_rows(postgres_server.create_database("crm_rows", template=crm_template))
    return "crm_rows"


@pytest.fixture
def crm_database(postgres_server: EmbeddedPostgres, crm_template: str) -> Iterator[str]:
    """The URL of a database with the application's tables, empty and this test's own."""
    yield from _clone(postgres_server, crm_template)


@pytest.fixture
def crm_fixture_database(
    postgres_server: EmbeddedPostgres, crm_fixture_template: str
) -> Iterator[str]:
    """The URL of a database with the recorded rows, this test's own."""
    yield from _clone(postgres_server, crm_fixture_template)


def _clone(server: EmbeddedPostgres, template: str) -> Iterator[str]:
    url = server.create_database(template=template)
    yield url
    server.drop_database(urlsplit(url).path.removeprefix("/"))
