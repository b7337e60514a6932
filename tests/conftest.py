"""PostgreSQL for the tests: one server a worker, one template a shape, one clone a test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import structlog
from hypothesis import HealthCheck, settings

from bot.demo.postgres import EmbeddedPostgres, crm_schema
from bot.storage.store import Store
from checks.engine.known_secrets import forget
from tests.support.crm_rows import load_fixture_rows
from tests.support.secrecy.databases import hear_database, hear_databases
from tests.support.secrecy.planted import plant_password

pytest_plugins = ("tests.support.secrecy.plugin",)

# How fast a machine is says nothing about golive: a loaded one may be slow at any example.
settings.register_profile("golive", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("golive")


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """What a test made of golive's own log ends with it, and what golive knew by then.

    The log's stream is closed behind a test, and another test's words may be its secrets.
    """
    yield
    structlog.reset_defaults()
    forget()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """A running server of this test process's own."""
    with EmbeddedPostgres() as server:
        plant_password(server.url())
        yield server
        hear_databases(server.url())


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


@pytest.fixture(scope="session")
def store_template(postgres_server: EmbeddedPostgres) -> str:
    """The name of a database with the bot's own tables."""
    url = postgres_server.create_database("store_template")

    async def migrated() -> None:
        async with Store(url):
            pass

    # A loop of its own: the session's fixtures have none.
    with ThreadPoolExecutor(1) as executor:
        executor.submit(asyncio.run, migrated()).result()
    return "store_template"


@pytest.fixture
def store_database(postgres_server: EmbeddedPostgres, store_template: str) -> Iterator[str]:
    """The URL of a database with the bot's own tables, empty and this test's own."""
    yield from _clone(postgres_server, store_template)


def _clone(server: EmbeddedPostgres, template: str) -> Iterator[str]:
    url = server.create_database(template=template)
    yield url
    hear_database(url)
    server.drop_database(urlsplit(url).path.removeprefix("/"))
