"""Where people type to the whole bot."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.typing_people import Ground


@pytest.fixture
def ground(tmp_path: Path, crm_database: str, store_database: str) -> Ground:
    """A quiet hour on empty databases."""
    return Ground(folder=tmp_path, database=crm_database, store=store_database)
