"""Campaigns that reach nobody, or never start: what people read in Slack and in a shell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.__main__ import main
from tests.support.crm_rows import Rows
from tests.support.typing_people import LEAD, T0, Ground, playing, words_of

HOUR = ("--since", "2026-11-23T21:00:00Z", "--until", "2026-11-23T22:00:00Z")
LONG_AGO = T0 - timedelta(days=30)


def at(minute: float) -> datetime:
    """A minute of the hour."""
    return T0 + timedelta(minutes=minute)


def failed(url: str) -> None:
    """Two campaigns that gave up, with 55 recipients of whom not one was reached."""
    with Rows(url) as rows:
        unit = rows.unit("Omega", created_at=LONG_AGO)
        for number, size in (("Autumn", 40), ("Winter", 15)):
            rows.campaign(
                unit,
                name=number,
                status="failed",
                created_at=at(12),
                recipients=("failed",) * size,
            )


def nothing_happened(_: str) -> None:
    """No campaign at all."""


def never_started(url: str) -> None:
    """Seven campaigns that were due ten minutes into the hour."""
    with Rows(url) as rows:
        unit = rows.unit("Omega", created_at=LONG_AGO)
        for _ in range(7):
            rows.campaign(
                unit,
                status="scheduled",
                created_at=LONG_AGO,
                scheduled_at=at(10),
                recipients=("pending",) * 5,
            )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (failed, "2 campaigns failed; 55 of 55 recipients failed (100.0 %)"),
        (never_started, "7 scheduled campaigns did not start"),
    ],
    ids=["failed", "never started"],
)
async def test_a_watch_says_no_go_at_the_third_checkpoint(
    change: Callable[[str], None],
    words: str,
    tmp_path: Path,
    crm_database: str,
    store_database: str,
) -> None:
    """An hour that is quiet but for this: NO-GO, with the numbers and the button to diagnose."""
    ground = Ground(folder=tmp_path, database=crm_database, store=store_database)
    async with playing(ground) as play:
        await play.to(28)
        change(crm_database)
        await play.type("start v2 28m")
        await play.to(30.5)
        third = play.one("checkpoint 3 (T+30)")
        assert third.text.startswith("*✖ NO-GO so far*")
        assert words in third.text
        assert "Diagnose: campaign" in words_of(third)
        # One CRITICAL is a NO-GO that names the lead; it is no full call.
        assert LEAD in third.text


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (failed, 2, "Campaigns: 2 campaigns failed; 55 of 55 recipients failed (100.0 %)"),
        (never_started, 2, "Campaigns: 7 scheduled campaigns did not start"),
        (nothing_happened, 0, "No campaign in processing"),
    ],
    ids=["failed", "never started", "none"],
)
def test_the_command_line(
    change: Callable[[str], None],
    code: int,
    words: str,
    crm_database: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`golive check` of campaigns alone: verdict, reason and exit code."""
    change(crm_database)
    argv = ["check", "--database", crm_database, "--only", "campaigns", *HOUR]
    assert main(argv) == code
    assert words in " ".join(capsys.readouterr().out.split())
