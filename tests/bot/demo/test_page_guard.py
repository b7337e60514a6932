"""The page's server speaks to its own page on this machine, and to nobody else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.demo.pace import Pace, PacedClock
from bot.demo.page.serving import serve
from bot.demo.place import GUEST, INCIDENTS, OPERATOR, PARTNERS
from bot.demo.postgres import EmbeddedPostgres
from bot.demo.show import Show
from bot.demo.workspace import Draft, people
from bot.demo.workspace.values import Json
from tests.support.shows import T0, by_hand


@pytest.fixture
async def show(postgres_server: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[Show]:
    """A show with a page, at T+0."""
    pace = Pace(PacedClock(T0, speed=Pace.LIFE), Pace.LIFE)
    async with by_hand(
        "quiet-hour", postgres_server, tmp_path, before=lambda show: serve(show, pace)
    ) as played:
        yield played.show


@pytest.fixture
async def web() -> AsyncIterator[aiohttp.ClientSession]:
    """A client."""
    async with aiohttp.ClientSession() as session:
        yield session


async def test_it_listens_on_this_machine_only(show: Show) -> None:
    """The address is 127.0.0.1."""
    assert show.workspace.base_url.startswith("http://127.0.0.1:")


async def test_another_name_in_host_is_refused(show: Show, web: aiohttp.ClientSession) -> None:
    """A web site that points its own name here gets nothing."""
    for path in ("/", "/page/main.js", "/page/live"):
        url = f"{show.workspace.base_url}{path}"
        async with web.get(url, headers={"Host": "attacker.example"}) as answer:
            assert answer.status == 421


async def test_another_origin_is_refused(show: Show, web: aiohttp.ClientSession) -> None:
    """A web site that calls from the reader's browser gets nothing; nor does a socket without."""
    live = f"{show.workspace.base_url}/page/live"
    for headers in ({"Origin": "https://attacker.example"}, {"Origin": "null"}, {}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await web.ws_connect(live, headers=headers)
        assert refused.value.status == 403


async def test_its_policy_lets_no_other_script_in(show: Show, web: aiohttp.ClientSession) -> None:
    """Scripts and styles come from the server alone, and files that were uploaded do not run."""
    async with web.get(f"{show.workspace.base_url}/") as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        text = await answer.text()
    assert "This is not Slack" in text
    assert "style=" not in text
    assert "onclick" not in text


@pytest.mark.parametrize("name", ["..%2fguard.py", "server.py", "nothing.js", ".hidden"])
async def test_nothing_but_its_own_files_is_served(
    show: Show, web: aiohttp.ClientSession, name: str
) -> None:
    """What is no file of the page is 404."""
    async with web.get(f"{show.workspace.base_url}/page/{name}") as answer:
        assert answer.status == 404


async def test_each_reader_is_told_what_they_may_see(
    show: Show, web: aiohttp.ClientSession
) -> None:
    """A guest hears nothing of a channel that they are not in, nor of somebody else's notes."""
    post = show.workspace.state.messages.post
    for channel, reader, text in (
        (PARTNERS, None, "among partners"),
        (INCIDENTS, OPERATOR, "for olivia"),
        (INCIDENTS, None, "for all"),
    ):
        draft = Draft(text=text)
        post(channel=channel, user=people.BOT_USER, bot=True, draft=draft, reader=reader)
    assert {"for all"} == await heard(show, web, GUEST)
    assert {"among partners", "for olivia", "for all"} == await heard(show, web, OPERATOR)


async def test_trouble_is_a_sentence(show: Show, web: aiohttp.ClientSession) -> None:
    """What cannot be done is said, and the page goes on."""
    origin = {"Origin": show.workspace.base_url}
    async with web.ws_connect(f"{show.workspace.base_url}/page/live", headers=origin) as live:
        await live.send_json(
            {"id": 1, "do": "click", "channel": INCIDENTS, "ts": "1", "action": "a"}
        )
        await live.send_json({"id": 2, "do": "fly"})
        answers: dict[int, Json] = {}
        while len(answers) < 2:
            for news in json.loads((await live.receive(timeout=5)).data):
                if news["t"] == "done":
                    answers[news["re"]] = news
    assert answers[1]["error"] == "message_not_found"
    assert answers[2]["error"] == "No such step."


async def heard(show: Show, web: aiohttp.ClientSession, user: str) -> set[str]:
    """The plain texts that a page is told for somebody, as it opens."""
    url = f"{show.workspace.base_url}/page/live?as={user}"
    texts: set[str] = set()
    async with web.ws_connect(url, headers={"Origin": show.workspace.base_url}) as live:
        while True:
            for news in json.loads((await live.receive(timeout=5)).data):
                if news["t"] == "message":
                    texts.add(news["message"]["text"])
                if news["t"] == "ready":
                    return {text for text in texts if "v2.4.0" not in text}
