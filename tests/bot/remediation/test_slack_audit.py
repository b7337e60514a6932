"""The audit's digest in the final review."""

from __future__ import annotations

from datetime import timedelta

from tests.bot.remediation.slack import all_words, bench
from tests.manifests.roles import RoleUrls


async def test_the_final_review_posts_the_audit_s_digest(
    roles: RoleUrls, store_database: str
) -> None:
    """So that a tail that is cut off later shows."""
    async with bench(roles, store_database) as table:
        await table.stage.command("/golive start v2.4.0")
        await table.open("/golive fix reset_messages Nobody")
        ((seq, digest),) = table.rows("SELECT seq, hash FROM golive.fix_audit_head")
        assert seq == 1
        await table.stage.timer.advance(timedelta(minutes=61))
        review = table.post("final review (T+60)")
        assert f"audit of fixes ends at ˋ{seq}:{digest}".replace("ˋ", "`") in all_words(review)
