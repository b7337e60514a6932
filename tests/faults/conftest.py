"""Where the worlds of the fault tests are made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.demo.postgres import EmbeddedPostgres
from tests.faults.bots import Nursery
from tests.faults.world import Ground


@pytest.fixture(scope="session")
def ground(
    postgres_server: EmbeddedPostgres, crm_template: str, store_template: str
) -> Iterator[Ground]:
    """A server, its templates, and the process that bots are forked from."""
    with Nursery() as nursery:
        yield Ground(
            server=postgres_server, crm=crm_template, store=store_template, nursery=nursery
        )
