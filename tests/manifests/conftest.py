"""Databases with the roles installed."""

from __future__ import annotations

import pytest

from tests.manifests.roles import RoleUrls, install


@pytest.fixture
def roles(crm_database: str) -> RoleUrls:
    """The application's empty tables, with the roles."""
    return install(crm_database)


@pytest.fixture
def recorded(crm_fixture_database: str) -> RoleUrls:
    """The application's recorded rows, with the roles."""
    return install(crm_fixture_database)
