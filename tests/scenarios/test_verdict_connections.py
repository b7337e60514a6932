"""Connections as people in the channel see them judged: lost, in vain, and not known."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.support.crm_rows import Rows
from tests.support.typing_people import T0, Ground, playing, words_of

IDLE = """
    UPDATE unit_whatsapp_connections SET status = 'qr', updated_at = %(at)s
    WHERE status = 'disconnected'
"""
ALL = """
    UPDATE unit_whatsapp_connections
    SET status = 'qr', connected_at = %(ago)s, disconnected_at = NULL, updated_at = %(at)s
"""


def at(minutes: float) -> datetime:
    """So many minutes after the deploy."""
    return T0 + timedelta(minutes=minutes)


async def test_units_that_do_not_become_connected_lead_to_their_diagnosis(ground: Ground) -> None:
    """Two idle units show a QR code from T+8 on: CRITICAL at T+20, with the button for issue 1."""
    async with playing(ground) as play:
        await play.type("start v1")
        await play.to(8)
        with Rows(ground.database) as rows:
            rows.run(IDLE, at=at(8))
        await play.to(20)
        post = play.one("checkpoint 2 (T+20)")
        words = words_of(post)
        assert "NO-GO" in post.text
        assert "qr since 2026-11-23 21:08:" in words
        assert "does not become connected" in words
        assert "Diagnose: connections" in words
        assert "golive.diagnose:1" in words


async def test_idle_units_are_no_trouble_of_the_deploy(ground: Ground) -> None:
    """They showed their code before, and nobody asks for a new one."""
    async with playing(ground) as play:
        with Rows(ground.database) as rows:
            rows.run(IDLE, at=at(-60))
        await play.type("start v1")
        await play.to(20)
        post = play.one("checkpoint 2 (T+20)")
        assert "✖" not in post.text
        assert "Diagnose: connections" not in words_of(post)


async def test_without_a_watch_nobody_says_that_they_were_down_before(ground: Ground) -> None:
    """All units show a QR code and were connected once: not known, and so not GO."""
    async with playing(ground) as play:
        with Rows(ground.database) as rows:
            rows.run(ALL, ago=at(-2000), at=at(-10))
        said = await play.type("status")
        assert "GO ·" not in said.partition("\n")[0].replace("NO-GO", "")
        assert "nothing tells since when" in said
        assert "down before" not in said
