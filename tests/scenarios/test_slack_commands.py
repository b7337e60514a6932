"""Every command of `/golive`, typed in a local workspace to the whole bot."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

from bot.demo.workspace import people
from checks import CHECKS
from tests.support.slack_bot import CHANNEL
from tests.support.typing_people import LEAD, T0, Ground, playing


async def test_start_twice_is_one_watch(ground: Ground) -> None:
    """And another version has to wait until the channel's watch is closed."""
    async with playing(ground) as play:
        assert "golive watches `v1`" in await play.type("start v1")
        assert "is running already" in await play.type("start v1")
        said = await play.type("start v2")
        assert "This channel is watching `v1`" in said
        assert "/golive close" in said
        assert len([p for p in play.posts() if "Watch started" in p.text]) == 1
        assert len(await play.stage.bot.store.open_watches()) == 1


async def test_start_ago_begins_where_the_deploy_was(ground: Ground) -> None:
    """What was due since the deploy is taken at once, in order, and says how late it is."""
    async with playing(ground) as play:
        await play.to(12)
        await play.type("start v1 12m")
        (watch,) = await play.stage.bot.store.open_watches()
        assert T0 <= watch.deployed_at < T0 + timedelta(minutes=1)
        first = play.one("checkpoint 1 (T+10)")
        assert re.search(r"[12] min late", first.text)
        heads = [post.text for post in play.posts()]
        assert heads.index(play.one("Healthy").text) < heads.index(first.text)


async def test_status_without_a_watch_measures_once_for_all(ground: Ground) -> None:
    """Two hundred callers share one measurement; the next one within 10 s is told its age."""
    async with playing(ground) as play:
        actor = play.workspace.actor
        outcomes = await asyncio.gather(
            *(actor.command(people.MEMBER, CHANNEL, "/golive status") for _ in range(200))
        )
        assert {outcome.error for outcome in outcomes} == {None}
        await play.stage.timer.rest()
        aged = re.compile(r"measured [^·]*")
        answers = [aged.sub("", p.text) for p in play.posts() if "no watch" in p.text]
        assert len(answers) == 200
        assert len(set(answers)) == 1
        report = await play.stage.bot.lookout.live()
        await play.stage.timer.advance(timedelta(seconds=7))
        said = await play.type("status")
        assert re.search(r"measured (\d+ s ago|just now)", said)
        assert play.stage.clock.now() - report.taken_at >= timedelta(seconds=7)
        await play.stage.timer.advance(timedelta(seconds=11))
        found = re.search(r"measured (?:just now|(\d+) s ago)", await play.type("status"))
        assert found is not None
        assert int(found[1] or 0) <= 10  # a new one: the first is older than that by now


async def test_status_in_a_watch_says_where_it_stands(ground: Ground) -> None:
    """T+n, each check's level, the verdict so far, the next checkpoint in the reader's own zone."""
    async with playing(ground) as play:
        await play.type("start v1")
        await play.to(12)
        said = await play.type("status", user=people.MEMBER)
        assert "`v1` · T+12" in said
        assert "so far" in said
        due = int(T0.timestamp()) + 20 * 60
        assert re.search(rf"T\+20.*<!date\^{due}\^", said)
        for check in CHECKS:
            assert (check.title in said) == (check.checkpoint <= 1), check.id


async def test_checkpoint_is_taken_at_once(ground: Ground) -> None:
    """It stands in the thread, by the thresholds of the last one, and changes no schedule."""
    async with playing(ground) as play:
        assert "No watch is running" in await play.type("checkpoint")
        await play.type("start v1")
        await play.to(13)
        said = await play.type("checkpoint")
        assert "Checkpoint taken:" in said
        post = play.posts()[-1]
        assert "T+13" in post.text
        assert post.thread_ts == play.posts()[0].ts
        await play.to(20)
        assert "checkpoint 2 (T+20)" in play.posts()[-1].text


async def test_a_second_checkpoint_of_the_same_second_names_the_first(ground: Ground) -> None:
    """Two operators press at once: one is taken, and the report says by whom."""
    async with playing(ground) as play:
        await play.type("start v1")
        await play.to(1)
        asked_at = play.stage.clock.now()
        assert "Checkpoint taken:" in await play.type("checkpoint")
        play.stage.clock.instant = asked_at
        said = await play.type("checkpoint", user=people.SECOND_OPERATOR)
        assert f"A checkpoint was taken a second ago by <@{people.OPERATOR}>: " in said
        assert len([post for post in play.posts() if "T+1:00" in post.text]) == 1
        await play.type("report")
        assert "Checkpoint T+1:00: " in play.file("report")


async def test_report_is_the_whole_watch_as_markdown(ground: Ground) -> None:
    """Timeline, findings, notes (those that expired too), actions and the picture, in a file."""
    async with playing(ground) as play:
        assert "No watch is running" in await play.type("report")
        await play.type("start v1")
        await play.to(11)
        await play.type("silence retries 1m")
        await play.type("accept campaigns nothing is planned")
        await play.to(21)
        await play.type("close")
        await play.type("report", user=people.MEMBER)
        text = play.file("report")
        assert text.startswith("# Go-live of v1\n")
        for part in ("## Timeline", "## What people decided", "## What was done", "](golive-"):
            assert part in text, part
        assert "nothing is planned" in text
        assert re.search(r"silenced.*retries", text)
        assert "T+10" in text
        assert "Watch closed." in text
        direct = play.workspace.state.direct(people.MEMBER).id
        shared = play.workspace.state.messages.of(direct)
        assert any(file["name"] == "golive-report.md" for m in shared for file in m.draft.files)
        answer = play.workspace.state.messages.ephemerals(people.MEMBER)[-1]
        assert [block["type"] for block in answer.all_blocks()].count("image") == 1


async def test_history_lists_the_watches_of_the_channel(ground: Ground) -> None:
    """With their verdicts, newest first."""
    async with playing(ground) as play:
        await play.type("start v1")
        await play.to(11)
        await play.type("close")
        await play.type("start v2")
        said = await play.type("history", user=people.MEMBER)
        assert said.index("v2") < said.index("v1")
        assert "GO" in said


async def test_logs_come_masked_and_to_the_caller_alone(ground: Ground) -> None:
    """A file with as many lines as asked for, without any secret."""
    async with playing(ground) as play:
        key = "sk-planted0123456789abcdef"
        play.write("[INFO] one", f"[ERROR] apikey: '{key}'", "[INFO] three")
        said = await play.type("logs 2")
        assert "The last 2 lines" in said
        lines = play.file("golive-log").splitlines()
        assert len(lines) == 2
        assert lines[1].endswith("three")
        assert key not in str([m.to_json() for m in play.workspace.state.messages.all()])
        assert key not in play.file("golive-log")
        assert "It gives from 1 to" in await play.type("logs 0")


async def test_a_single_critical_calls_the_lead_once_in_its_post(ground: Ground) -> None:
    """No escalation and no second call; a member acknowledges, and status says who."""
    async with playing(ground) as play:
        await play.type("start v1")
        await play.to(8)
        await play.bad(8)
        await play.to(21)
        calls = [post for post in play.posts() if LEAD in post.text]
        assert len(calls) == 1, [p.text for p in play.posts()]
        assert "between checkpoints" in calls[0].text
        assert "is on it" in (await play.type("ack", user=people.MEMBER)).replace("you are", "is")
        assert f"<@{people.MEMBER}> is on it" in play.posts()[-1].text
        assert f"<@{people.MEMBER}>" in await play.type("status")
        assert "already acknowledged" in await play.type("ack")
        assert "golive.ack" not in str(play.posts()[0].all_blocks())
        await play.to(31)
        again = [post.ts for post in play.posts() if LEAD in post.text]
        assert again == [call.ts for call in calls]


async def test_ack_without_an_alarm_says_so(ground: Ground) -> None:
    """Outside of a watch as well as in one that is fine."""
    async with playing(ground) as play:
        assert "No watch is running" in await play.type("ack")
        await play.type("start v1")
        await play.to(1)
        assert "no alarm to acknowledge" in await play.type("ack")


async def test_accept_makes_go_reachable_and_is_named(ground: Ground) -> None:
    """An UNKNOWN holds GO back until somebody accepts it; every verdict names them."""
    async with playing(ground) as play:
        await play.type("start v1")
        await play.to(10)
        await play.bad(4)
        assert "There is no check `nonsense`" in await play.type("accept nonsense because")
        said = await play.type("checkpoint")
        assert "MONITOR" in said
        said = await play.type("accept http_5xx a load test")
        assert "Accepted `http_5xx`" in said
        await play.stage.timer.advance(timedelta(seconds=2))
        assert "Checkpoint taken: GO" in await play.type("checkpoint")
        post = play.posts()[-1]
        assert f"Accepted by <@{people.OPERATOR}>" in str(post.all_blocks()) + post.text
        await play.bad(8)
        said = await play.type("accept http_5xx we know")
        assert "cannot be accepted: it is CRITICAL" in said


async def test_silence_counts_as_unknown_and_expires(ground: Ground) -> None:
    """It is shown with its end; afterwards the check counts again."""
    async with playing(ground) as play:
        await play.type("start v1")
        await play.to(10)
        await play.bad(8)
        assert "Checkpoint taken: NO-GO" in await play.type("checkpoint")
        said = await play.type("silence http_5xx 5m")
        assert re.search(r"until 21:1[56] UTC", said)
        await play.stage.timer.advance(timedelta(seconds=2))
        assert "Checkpoint taken: MONITOR" in await play.type("checkpoint")
        assert "Silenced by" in str(play.posts()[-1].all_blocks())
        await play.to(17)
        assert "Checkpoint taken: NO-GO" in await play.type("checkpoint")


async def test_close_ends_the_watch(ground: Ground) -> None:
    """A second close has nothing to do; the next version may begin."""
    async with playing(ground) as play:
        await play.type("start v1")
        await play.to(2)
        assert "The watch over `v1` is closed" in await play.type("close")
        assert "No watch is running" in await play.type("close")
        assert "golive watches `v2`" in await play.type("start v2")
