"""`golive replay`: the stored verdicts again, and what a proposed threshold would have moved."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.bot.shell import Golive
from tests.bot.watch.bench import bench
from tests.engine.runbooks import edited
from tests.support.evidence import log


@pytest.fixture
def env(store_database: str) -> dict[str, str]:
    """The environment of a store with one watch: two 5xx at T+10."""

    async def watched() -> None:
        async with bench(store_database) as bed:
            deployment = await bed.begin("v2.4.0")
            for key in ("T+0", "T+5"):
                assert await bed.take(deployment, key)
            bed.seen.log.evidence = log({"http_responses": 100, "http_5xx": 2})
            assert await bed.take(deployment, "T+10")

    asyncio.run(watched())
    return {"GOLIVE_STORE_URL": store_database}


def test_the_stored_verdicts_come_out_again_bit_for_bit(
    golive: Golive, env: dict[str, str]
) -> None:
    """By the version, or as the last one."""
    for watch in ("v2.4.0", "last"):
        ended = golive("replay", watch, env=env)
        assert ended.code == 0, ended.err
        assert ended.out.count("the same, bit for bit") == 2
        assert "2 points judged again, 0 with another outcome." in ended.out


def test_a_changed_threshold_says_which_findings_moved(
    golive: Golive, env: dict[str, str], tmp_path: Path
) -> None:
    """In words and for scripts; exit code 1."""
    proposed = tmp_path / "runbook.yaml"
    proposed.write_text(edited(("        warning: 3  #", "        warning: 2  #")))
    ended = golive("replay", "last", "--runbook", proposed, env=env)
    assert ended.code == 1, ended.err
    assert "http_5xx OK → WARNING" in ended.out
    assert "2 points judged again, 1 with another outcome." in ended.out
    ended = golive("replay", "last", "--runbook", proposed, "--format", "json", env=env)
    health, first = json.loads(ended.out)["points"]
    assert (ended.code, health["same"], health["moved"]) == (1, True, [])
    assert (first["point"], first["stored"], first["replayed"]) == ("T+10", "GO", "MONITOR")
    assert first["moved"] == [{"check": "http_5xx", "before": "OK", "now": "WARNING"}]


def test_what_is_not_there_is_said(golive: Golive, env: dict[str, str]) -> None:
    """No such watch, no store; with the exit code of a wrong use."""
    ended = golive("replay", "v9", env=env)
    assert (ended.code, "There is no watch 'v9'." in ended.err) == (64, True)
    ended = golive("replay", "last", env={"GOLIVE_STORE_URL": ""})
    assert (ended.code, "GOLIVE_STORE_URL is not set" in ended.err) == (64, True)
