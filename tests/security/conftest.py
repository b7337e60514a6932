"""What several of these tests stand on."""

from __future__ import annotations

import pytest

from tests.manifests.roles import RoleUrls, install


@pytest.fixture
def roles(crm_fixture_database: str) -> RoleUrls:
    """The application's recorded rows, with the roles of manifests/roles.sql."""
    return install(crm_fixture_database)
