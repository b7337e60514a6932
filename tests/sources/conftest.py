"""No proxy, a running Evolution stand-in, and the client under test."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from bot.demo.evolution import EvolutionStandIn
from checks.sources.evolution import EvolutionClient, Transport
from tests.sources.evolution_calls import KEY, QUICK, WEBHOOK


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own proxy has no part in these tests."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
async def evolution() -> AsyncGenerator[EvolutionStandIn]:
    """A running stand-in with one linked instance."""
    async with EvolutionStandIn(key=KEY) as running:
        running.add("unit_a", webhook_url=WEBHOOK)
        yield running


@pytest.fixture
async def client() -> AsyncGenerator[EvolutionClient]:
    """The client under test."""
    async with Transport(timeouts=QUICK) as transport:
        yield EvolutionClient(transport)
