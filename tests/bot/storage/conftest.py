"""Stores of the tests: one whose claims are safe, and one whose claims anybody takes over."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.storage.store import Store
from bot.watch.model import Deployment
from tests.bot.storage.things import begin


@pytest.fixture
async def store(store_database: str) -> AsyncIterator[Store]:
    """An empty store whose leases do not end within a test."""
    async with Store(store_database, lease=600) as store:
        yield store


@pytest.fixture
async def hasty(store_database: str) -> AsyncIterator[Store]:
    """Another replica of the same store, for which every lease that it takes ends at once."""
    async with Store(store_database, lease=0) as store:
        yield store


@pytest.fixture
async def watch(store: Store) -> Deployment:
    """An open watch in the channel C1."""
    return await begin(store)
