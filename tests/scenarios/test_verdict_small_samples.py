"""Few messages, and all of them failed: what people are told in Slack and on the command line."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from bot.__main__ import main
from bot.demo.workspace.server import Workspace
from tests.support.hand import HandClock
from tests.support.logs import exchanges, stamped
from tests.support.slack_bot import Stage, at, settings_for, staged
from tests.support.typing_people import LEAD, T0, words_of


def given_up(number: int) -> list[str]:
    """So many outbound messages on which the application gave up."""
    return [f"[Message:{uuid4()}] Failed after 3 attempts" for _ in range(number)]


def sent(number: int) -> list[str]:
    """So many outbound messages that went out."""
    return [f"[Message:{uuid4()}] Sent successfully (attempt 1)" for _ in range(number)]


@asynccontextmanager
async def watching(folder: Path, store: str, *events: str) -> AsyncGenerator[Stage]:
    """A watch just after T+20, over a log in which these events stand shortly before it."""
    log = folder / "app.log"
    log.write_text("".join(f"{line}\n" for line in stamped(exchanges(1, 200, 200), T0)))
    clock = HandClock(T0)
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store, log=log)
        async with staged(workspace, settings, clock) as stage:
            await stage.command("/golive start v1")
            await stage.timer.reach(at(T0, 18))
            lines = [*exchanges(10, *([200] * 20)), *events]
            with log.open("a", encoding="utf-8") as more:
                more.writelines(f"{line}\n" for line in stamped(lines, at(T0, 18)))
            await stage.timer.reach(at(T0, 20.5))
            yield stage
            assert stage.timer.failures == []


async def test_nine_of_nine_failed_sends_are_a_no_go_and_call_the_lead(
    tmp_path: Path, store_database: str
) -> None:
    """The checkpoint says so, and so does the call for the rollback criterion."""
    async with watching(tmp_path, store_database, *given_up(9)) as stage:
        (second,) = [post for post in stage.posts if "checkpoint 2 (T+20)" in post.text]
        assert "✖ NO-GO" in second.text
        assert "9 of 9 messages failed (100.0 %)" in words_of(second)
        calls = [post for post in stage.posts if LEAD in post.text]
        assert len(calls) == 1
        assert "outbound failed share 100 % of 9" in words_of(calls[0])
        assert "at least 71.7 % with 95 % confidence, more than 50 %" in words_of(calls[0])


async def test_one_failed_send_is_not_known_and_says_what_is_needed(
    tmp_path: Path, store_database: str
) -> None:
    """One of one is no verdict; two more failures would be one."""
    async with watching(tmp_path, store_database, *given_up(1)) as stage:
        (second,) = [post for post in stage.posts if "checkpoint 2 (T+20)" in post.text]
        assert "▲ MONITOR" in second.text
        assert "2 more are needed if they go wrong too, otherwise 9." in words_of(second)
        assert not any(LEAD in post.text for post in stage.posts)


@pytest.mark.parametrize(
    ("events", "code", "words"),
    [
        (given_up(9), 2, "Rollback criterion messages_failing is met"),
        (given_up(3), 2, "3 of 3 messages failed (100.0 %)"),
        (given_up(3) + sent(6), 1, "3 of 9 messages failed (33.3 %)"),
        # Measured, but too little to judge: no exit code 3, which says that nothing was measured.
        (given_up(2), 1, "1 more is needed if it goes wrong too, otherwise 8."),
        (sent(3), 0, "0 of 3 messages failed"),
    ],
    ids=["9 of 9", "3 of 3", "3 of 9", "2 of 2", "0 of 3"],
)
def test_the_command_line(
    events: list[str], code: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`golive check` of message_errors alone: verdict, reason and exit code."""
    log = tmp_path / "app.log"
    lines = stamped([*exchanges(1, *([200] * 20)), *events], T0)
    log.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    hour = ("--since", "2026-11-23T20:50:00Z", "--until", "2026-11-23T21:20:00Z")
    argv = ["check", "--log", str(log), "--only", "message_errors", "--format", "text", *hour]
    assert main(argv) == code
    assert words in " ".join(capsys.readouterr().out.split())


def test_a_run_that_could_measure_nothing_ends_with_three(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty log holds no event: nothing was measured."""
    log = tmp_path / "app.log"
    log.write_text("", encoding="utf-8")
    assert main(["check", "--log", str(log), "--only", "message_errors,retries"]) == 3
    assert "MONITOR" in capsys.readouterr().out
