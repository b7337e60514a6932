"""Databases with the roles installed."""

from __future__ import annotations

import pytest

from tests.manifests.roles import RoleUrls, install


@pytest.fixture
def roles(crm_database: str) -> RoleUrls:
    """The application's empty tables, with the roles."""
    return install(crm_database)
