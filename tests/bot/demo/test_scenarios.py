"""Every scenario of the demo, played by the real bot to its final review."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.demo.postgres import EmbeddedPostgres
from bot.demo.scenarios import SCENARIOS, Scenario
from bot.demo.workspace import Message, people
from checks.engine.model import Decision
from tests.support.shows import by_hand, decision_of

LEAD = f"<!subteam^{people.OPERATORS}>"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
async def test_each_ends_in_the_verdict_that_its_name_promises(
    scenario: Scenario, postgres_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    """Left alone, the hour ends as its table says; only a NO-GO calls the lead."""
    async with by_hand(scenario.name, postgres_server, tmp_path) as played:
        await played.reach(61)
        final = played.show.final
        assert final is not None
        assert decision_of(final) is scenario.ends
        called = [post for post in played.show.posts if LEAD in post.text]
        assert bool(called) == (scenario.ends is Decision.NO_GO)
        assert played.timer.failures == []
        if scenario.name == "incident":
            got_worse_step_by_step(played.show.posts)
        said = str([post.to_json() for post in played.show.posts])
        assert played.show.hour.world.apikey not in said
        for unit in played.show.hour.world.units:
            assert unit.secret not in said


def got_worse_step_by_step(posts: Sequence[Message]) -> None:
    """T+10 is well, T+20 sees the webhook; the sends and the campaign are told between points."""
    heads = [post.text.partition("\n")[0] for post in posts]

    def head(part: str) -> str:
        return next(each for each in heads if part in each)

    assert "✔ GO so far" in head("checkpoint 1 (T+10)")
    assert "▲ MONITOR so far" in head("checkpoint 2 (T+20)")
    assert "✖ NO-GO so far" in head("checkpoint 3 (T+30)")
    found = head("between checkpoints")
    assert "✖ NO-GO" in found
    assert LEAD in found
    escalation = head("2 CRITICAL at once")
    assert LEAD in escalation
    assert "Campaigns, Message errors" in escalation
    assert "1 got worse" in head("T+50")
