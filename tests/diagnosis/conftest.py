"""A healthy world for each test."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from tests.diagnosis.worlds import World
from tests.diagnosis.worlds import world as healthy_world


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own proxy has no part in these tests."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
async def world(crm_database: str) -> AsyncGenerator[World]:
    """A world in which nothing is wrong."""
    async with healthy_world(crm_database) as made:
        yield made
