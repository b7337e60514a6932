"""A Loki to scan from, and the beds that the contract holds on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.sources.loki.beds import REAL, Bed, FileBed, LokiBed
from tests.support.hours import DEPLOYED_AT
from tests.support.loki import LokiStandIn


@pytest.fixture
async def loki() -> AsyncGenerator[LokiStandIn]:
    """A running stand-in."""
    async with LokiStandIn() as running:
        yield running


@pytest.fixture
async def stream(loki: LokiStandIn) -> AsyncGenerator[LokiBed]:
    """A stream in the stand-in."""
    bed = LokiBed(loki.url, DEPLOYED_AT)
    async with bed.transport:
        yield bed


@pytest.fixture(params=["file", "loki", *(["real loki"] if REAL else [])])
async def bed(
    request: pytest.FixtureRequest, tmp_path: Path, loki: LokiStandIn
) -> AsyncGenerator[Bed]:
    """A log file, a stream in the stand-in, and one in a real server where there is one."""
    if request.param == "file":
        yield FileBed(tmp_path, DEPLOYED_AT)
        return
    real = request.param == "real loki"
    # A real server takes lines of the last days only.
    begin = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=3)
    found = LokiBed(REAL if real and REAL else loki.url, begin if real else DEPLOYED_AT)
    async with found.transport:
        yield found
