"""An hour in Slack, played through a local workspace with the time moved by hand."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from bot.demo.postgres import EmbeddedPostgres
from bot.demo.stage import Stage as Application
from bot.demo.workspace import people
from bot.demo.workspace.messages import Message
from bot.demo.workspace.server import Workspace
from bot.watch.replaying import Moved, Replayed, find, replay
from checks import CHECKS
from checks.engine.model import Level
from checks.engine.runbook import load_runbook
from checks.engine.thresholds import Bound, Op, Threshold
from tests.support.hand import HandClock
from tests.support.health import HealthServer
from tests.support.hours import make_hour
from tests.support.recorded_hour import RecordedHour
from tests.support.slack_bot import CHANNEL, Stage, settings_for, staged

T0 = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
STEP = timedelta(minutes=1)
LEAD = f"<!subteam^{people.OPERATORS}>"
MANY = Bound(op=Op.ABOVE, value=200)
BOOK = load_runbook(checks=CHECKS)
PROPOSED = replace(
    BOOK,
    rules={
        key: replace(rule, thresholds=(Threshold(quantity="value", critical=MANY),))
        if rule.check == "retries"
        else rule
        for key, rule in BOOK.rules.items()
    },
)
"""The shipped runbook with another bound for retries."""


@asynccontextmanager
async def recorded(tmp_path: Path, database: str, store: str) -> AsyncGenerator[Stage, None]:
    """A bot that watches the recorded application from T+0 on; ends after the final review."""
    clock = HandClock(T0)
    hour = RecordedHour(log=tmp_path / "app.log", url=database, deployed_at=T0)
    hour.set_up()
    async with (
        Workspace(now=clock.now) as workspace,
        HealthServer() as health,
        staged(
            workspace,
            settings_for(
                workspace, store, log=hour.log, database=database, base_url=health.base_url
            ),
            clock,
        ) as stage,
    ):
        await stage.command("/golive start v2.4.0")
        await to_end(stage, hour)
        hour.close()
        yield stage


async def to_end(stage: Stage, hour: RecordedHour) -> None:
    """Play to the final review."""
    while stage.clock.now() < T0 + timedelta(minutes=61):
        hour.reach(stage.clock.now() + STEP)
        await stage.timer.advance(STEP)


def heads(posts: Sequence[Message]) -> list[str]:
    """The first line of every message with words, oldest first."""
    return [post.text.splitlines()[0] for post in posts if post.text]


def one(posts: Sequence[Message], part: str) -> Message:
    """The one message whose first line has these words."""
    found = [post for post in posts if part in post.text.partition("\n")[0]]
    assert len(found) == 1, [post.text.partition("\n")[0] for post in found]
    return found[0]


def minute(post: Message) -> int:
    """The minute after the deploy at which a message was posted."""
    return int((float(post.ts) - T0.timestamp()) // 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """What the channel held after the recorded hour and half an hour of its follow-up."""

    posts: tuple[Message, ...]
    versions: tuple[Message, ...]
    failures: tuple[BaseException, ...]
    again: tuple[Replayed, ...]
    proposed: tuple[Replayed, ...]


@pytest.fixture(scope="module")
def tape(
    postgres_server: EmbeddedPostgres,
    crm_fixture_template: str,
    store_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Tape:
    """The recorded hour, played once."""

    async def play() -> Tape:
        folder = tmp_path_factory.mktemp("recorded")
        database = postgres_server.create_database(template=crm_fixture_template)
        store = postgres_server.create_database(template=store_template)
        async with recorded(folder, database, store) as stage:
            await stage.timer.reach(T0 + timedelta(minutes=91))
            first = stage.posts[0]
            watch = await find(stage.bot.store, "v2.4.0")
            assert watch is not None
            again = await replay(stage.bot.store, watch, CHECKS, BOOK)
            proposed = await replay(stage.bot.store, watch, CHECKS, PROPOSED)
            return Tape(
                posts=tuple(stage.posts),
                versions=stage.workspace.state.messages.versions(CHANNEL, first.ts),
                failures=tuple(stage.timer.failures),
                again=again,
                proposed=proposed,
            )

    return asyncio.run(play())


def test_the_recorded_hour_is_posted_at_its_instants_and_ends_in_no_go(tape: Tape) -> None:
    """Each point at its minute with its verdict, in the status message's thread."""
    status = tape.posts[0]
    places = {
        "Watch started": 0,
        "Healthy": 5,
        "checkpoint 1 (T+10)": 10,
        "checkpoint 2 (T+20)": 20,
        "checkpoint 3 (T+30)": 30,
        "final review (T+60)": 60,
    }
    for words, at in places.items():
        post = one(tape.posts, words)
        assert (minute(post), post.thread_ts) == (at, status.ts)
    for words in ("checkpoint 1", "checkpoint 2", "checkpoint 3", "final review"):
        assert "✖ NO-GO" in one(tape.posts, words).text
    assert one(tape.posts, "final review").reply_broadcast
    assert not one(tape.posts, "checkpoint 1").reply_broadcast  # the call before it told already
    assert not one(tape.posts, "checkpoint 2").reply_broadcast
    assert tape.failures == ()


def test_the_status_message_is_edited_in_place(tape: Tape) -> None:
    """One message a watch: a version of it for each point, with the timeline in the last."""
    status = tape.posts[0]
    assert len(tape.versions) >= 8
    assert "No verdict yet" in tape.versions[0].text
    assert status.text.startswith("*✖ NO-GO* · `v2.4.0` · T+90")
    shown = str(status.all_blocks())
    for key in ("T+0", "T+5", "T+10", "T+20", "T+30", "T+40", "T+50", "T+60"):
        assert key in shown


def test_the_escalation_calls_the_lead_with_everything(tape: Tape) -> None:
    """Mention, issue type, whom it touches, rollback status, fifty masked lines, the picture."""
    call = one(tape.posts, "Secrets appear unmasked in the log · roll back")
    assert LEAD in call.text
    assert call.thread_ts is None
    shown = str(call.all_blocks())
    assert re.search(r"\*Affected:\* \d+ of \d+ units \(.+\)", shown)
    assert "*Rollback:* not started" in shown
    assert "The last 50 lines of the log" in shown
    assert "evoGlobal7Key" not in str([post.to_json() for post in tape.posts])
    pictures = [block for block in call.all_blocks() if block["type"] == "image"]
    assert len(pictures) == 1
    assert "5xx" in str(pictures[0]["alt_text"])


def test_nobody_answers_so_the_lead_is_called_once_more(tape: Tape) -> None:
    """Five minutes after the call; never a third time, and the checkpoints call nobody again."""
    call = one(tape.posts, "Secrets appear unmasked in the log · roll back")
    again = one(tape.posts, "not acknowledged for 5 min")
    assert 5 <= minute(again) - minute(call) <= 6
    assert [post for post in tape.posts if LEAD in post.text] == [call, again]


def test_after_a_no_go_it_looks_every_ten_minutes(tape: Tape) -> None:
    """Until somebody closes the watch; each look is a reply in the thread."""
    looks = [post for post in tape.posts if "follow-up" in post.text.partition("\n")[0]]
    assert [minute(post) for post in looks] == [70, 80, 90]
    assert {post.thread_ts for post in looks} == {tape.posts[0].ts}


def test_a_replay_gives_every_verdict_bit_for_bit(tape: Tape) -> None:
    """From the stored evidence alone: the same findings, criteria, reasons and words."""
    assert [one.taken.point.key for one in tape.again] == [
        *("T+5", "T+10", "T+20", "T+30", "T+40", "T+50", "T+60"),
        *("T+70", "T+80", "T+90"),
    ]
    assert [one.taken.point.key for one in tape.again if not one.same] == []


def test_a_replay_with_another_threshold_says_what_moves(tape: Tape) -> None:
    """Retries up to 200 are fine in the proposed runbook: they move, and nothing else does."""
    final = next(one for one in tape.proposed if one.taken.point.run == "final")
    assert final.moved == (Moved(check="retries", before=Level.CRITICAL, now=Level.OK),)
    assert {moved.check for one in tape.proposed for moved in one.moved} == {"retries"}


@asynccontextmanager
async def playing(
    tmp_path: Path, database: str, store: str, *, quiet: bool
) -> AsyncGenerator[tuple[Stage, Application], None]:
    """A bot that watches the invented application of the demo, as far as a test lets it come."""
    clock = HandClock(T0)
    hour = make_hour(seed=3, quiet=quiet, deployed_at=T0)
    async with (
        await AsyncConnection.connect(database, autocommit=True) as writer,
        Workspace(now=clock.now) as workspace,
        HealthServer() as health,
    ):
        application = Application(hour, log=tmp_path / "app.log", database=writer)
        await application.set_up()
        await application.advance(T0)
        async with staged(
            workspace,
            settings_for(
                workspace,
                store,
                log=tmp_path / "app.log",
                database=database,
                base_url=health.base_url,
            ),
            clock,
        ) as stage:
            yield stage, application


async def on(stage: Stage, application: Application, until: float) -> None:
    """Play on to so many minutes after the deploy."""
    while stage.clock.now() < T0 + timedelta(minutes=until):
        await application.advance(stage.clock.now() + STEP)
        await stage.timer.advance(STEP)


async def test_a_quiet_hour_ends_in_go_and_calls_nobody(
    tmp_path: Path, crm_database: str, store_database: str
) -> None:
    """Little traffic, two idle units: GO so far at each checkpoint, GO at the end, no mention."""
    async with playing(tmp_path, crm_database, store_database, quiet=True) as (stage, application):
        await stage.command("/golive start v2.4.1")
        await on(stage, application, 61)
        assert "✔ GO so far" in one(stage.posts, "checkpoint 1").text
        final = one(stage.posts, "final review")
        assert final.text.startswith("*✔ GO* · `v2.4.1` · final review (T+60)")
        assert not any(LEAD in post.text for post in stage.posts)
        assert not any("pulse" in head for head in heads(stage.posts))  # nothing got worse: no post


async def test_after_a_go_it_looks_again_in_an_hour(
    tmp_path: Path, crm_database: str, store_database: str
) -> None:
    """The runbook's next step; with nobody left who writes, it is no GO any more."""
    async with playing(tmp_path, crm_database, store_database, quiet=True) as (stage, application):
        await stage.command("/golive start v2.4.1")
        await on(stage, application, 61)
        await stage.timer.reach(T0 + timedelta(minutes=121))
        look = one(stage.posts, "follow-up")
        assert minute(look) == 120
        assert "▲ MONITOR" in look.text


async def test_close_ends_it(tmp_path: Path, crm_database: str, store_database: str) -> None:
    """The status message says who closed it; nothing is taken afterwards."""
    async with playing(tmp_path, crm_database, store_database, quiet=True) as (stage, application):
        await stage.command("/golive start v2.4.1")
        await on(stage, application, 11)
        await stage.command("/golive close")
        await on(stage, application, 35)
        assert "watch closed" in stage.posts[0].text
        assert "Watch closed" in heads(stage.posts)[-1]
        assert not any("checkpoint 2" in head for head in heads(stage.posts))
