"""Slack, as the local workspace answers, with one thing wrong at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bot.demo.workspace import Workspace, people
from bot.doctor.model import Line, Status
from bot.doctor.probes import SCOPES
from bot.doctor.slack import SlackSettings, look_at_slack
from bot.doctor.slack_calls import SlackCalls
from tests.bot.doctor.lines import bad, saying


@pytest.fixture
async def workspace() -> AsyncGenerator[Workspace]:
    """A workspace with its standard cast."""
    async with Workspace() as started:
        yield started


def settings(workspace: Workspace) -> SlackSettings:
    """Settings with which all is well."""
    return SlackSettings(
        bot_token=workspace.credentials.bot_token,
        app_token=workspace.credentials.app_token,
        mode="socket",
        channel=people.RELEASES,
        lead=people.OPERATOR,
        operators=(people.OPERATORS, people.SECOND_OPERATOR),
        scopes=SCOPES,
    )


async def look(
    workspace: Workspace, given: SlackSettings, ahead: timedelta = timedelta()
) -> list[Line]:
    """What is said about a workspace; no token is in it."""
    async with httpx.AsyncClient() as client:
        api = SlackCalls(client, workspace.api_url)
        lines = await look_at_slack(api, given, lambda: datetime.now(UTC) + ahead)
    shown = " ".join(line.what + line.mend for line in lines)
    assert given.bot_token not in shown
    assert given.app_token is None or given.app_token not in shown
    return lines


async def test_all_is_well(workspace: Workspace) -> None:
    """Tokens, scopes, channel and people are each said to be fine."""
    lines = await look(workspace, settings(workspace))
    assert bad(lines) == []
    for words in (
        "SLACK_BOT_TOKEN is valid",
        "all scopes",
        "Socket Mode",
        "is in #releases",
        "GOLIVE_LEAD: U0OLIVIA001 is a member",
        "2 people in the user group S0OPERATORS",
        "Slack's clock agrees",
    ):
        assert saying(lines, words).status is Status.OK


@pytest.mark.parametrize(
    ("change", "words", "status"),
    [
        ({"bot_token": "xoxb-another"}, "refuses SLACK_BOT_TOKEN: invalid_auth", Status.FAILED),
        ({"app_token": "xapp-another"}, "refuses SLACK_APP_TOKEN: invalid_auth", Status.FAILED),
        ({"channel": "C0NOWHERE00"}, "cannot be seen: channel_not_found", Status.FAILED),
        ({"channel": people.WITHOUT_BOT}, "The bot is not in #random", Status.FAILED),
        ({"channel": people.ARCHIVED}, "#old-releases is archived", Status.FAILED),
        ({"channel": people.SHARED}, "#partners is shared", Status.WARNING),
        ({"lead": None}, "GOLIVE_LEAD is not set", Status.WARNING),
        ({"lead": "U0NOBODY000"}, "GOLIVE_LEAD: U0NOBODY000 is not known", Status.FAILED),
        ({"operators": ()}, "GOLIVE_OPERATORS is empty", Status.WARNING),
        ({"operators": ("S0NOTHING00",)}, "S0NOTHING00 cannot be read", Status.FAILED),
        ({"operators": (people.GUEST,)}, "is a guest, a bot or from outside", Status.FAILED),
        ({"operators": (people.STRANGER,)}, "is a guest, a bot or from outside", Status.FAILED),
    ],
)
async def test_one_thing_wrong(
    workspace: Workspace, change: dict[str, object], words: str, status: Status
) -> None:
    """Each wrong setting is one line that says what, and how to mend it."""
    lines = await look(workspace, replace(settings(workspace), **change))  # pyright: ignore[reportArgumentType]
    line = saying(lines, words)
    assert line.status is status
    assert line.mend
    assert bad(lines) == [line]


async def test_an_empty_group(workspace: Workspace) -> None:
    """A group with nobody in it gives nobody a right."""
    (group,) = workspace.state.groups
    workspace.state.put_group(replace(group, members=()))
    lines = await look(workspace, settings(workspace))
    assert saying(lines, "nobody is in the user group").status is Status.FAILED


async def test_a_deactivated_account(workspace: Workspace) -> None:
    """Somebody who left cannot be called."""
    user = workspace.state.user(people.OPERATOR)
    workspace.state.put_user(replace(user, deleted=True))
    lines = await look(workspace, settings(workspace))
    assert saying(lines, "GOLIVE_LEAD: the account").status is Status.FAILED


@pytest.mark.parametrize(
    ("lost", "words", "status"),
    [
        ({"chat:write"}, "lacks the scope chat:write.", Status.FAILED),
        ({"commands", "im:write"}, "lacks the scopes commands, im:write.", Status.FAILED),
        ({"groups:read", "groups:history"}, "Without groups:history, groups:read", Status.WARNING),
        (
            {"channels:history", "groups:history"},
            "lacks the scope channels:history or groups:history.",
            Status.FAILED,
        ),
    ],
)
async def test_missing_scopes(lost: set[str], words: str, status: Status) -> None:
    """The scopes of the token are compared with those of every method that golive calls."""
    async with Workspace() as whole:
        credentials = replace(whole.credentials, scopes=whole.credentials.scopes - lost)
    async with Workspace(credentials=credentials) as workspace:
        lines = await look(workspace, settings(workspace))
    assert saying(lines, words).status is status


async def test_the_clock(workspace: Workspace) -> None:
    """Slack's Date header tells its clock."""
    lines = await look(workspace, settings(workspace), ahead=timedelta(minutes=2))
    assert "behind" in saying(lines, "Slack's clock").what


async def test_http_mode(workspace: Workspace) -> None:
    """In HTTP mode no app token is asked for."""
    given = replace(settings(workspace), mode="http", app_token=None)
    assert saying(await look(workspace, given), "HTTP mode").status is Status.OK


async def test_not_reachable(workspace: Workspace) -> None:
    """Where nothing answers, one line says so."""
    await workspace.refuse()
    (line,) = await look(workspace, settings(workspace))
    assert line.status is Status.FAILED
    assert "cannot be reached" in line.what
    assert "(ConnectError)" in line.what


def answering(status: int, body: object, *, text: str = "") -> SlackCalls:
    """Slack, which answers everything in one way."""

    def handle(request: httpx.Request) -> httpx.Response:
        del request
        return httpx.Response(status, text=text) if text else httpx.Response(status, json=body)

    client = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    return SlackCalls(client, "https://slack.example/api/")


@pytest.mark.parametrize(
    ("status", "body", "text", "words"),
    [
        (
            200,
            {"ok": False, "error": "missing_scope", "needed": "users:read", "provided": "commands"},
            "",
            "refuses SLACK_BOT_TOKEN: missing_scope; needs users:read, has commands.",
        ),
        (
            200,
            {
                "ok": False,
                "error": "org_login_required",
                "response_metadata": {"messages": ["[ERROR] the workspace moves"]},
            },
            "",
            "refuses SLACK_BOT_TOKEN: org_login_required; [ERROR] the workspace moves.",
        ),
        (429, {"ok": False, "error": "ratelimited"}, "", "SLACK_BOT_TOKEN: ratelimited."),
        (503, None, "<html>", "cannot be reached (HTTP 503 and no answer of Slack's)."),
        (200, ["x"], "", "cannot be reached (HTTP 200 and no answer of Slack's)."),
        (200, {}, "", "refuses SLACK_BOT_TOKEN: no reason given."),
    ],
)
async def test_slack_s_own_reason_is_shown(
    workspace: Workspace, status: int, body: object, text: str, words: str
) -> None:
    """Word for word, with the scopes that it names; a proxy's page is none of Slack's answers."""
    api = answering(status, body, text=text)
    (line,) = await look_at_slack(api, settings(workspace), lambda: datetime.now(UTC))
    assert line.status is Status.FAILED
    assert words in line.what
    assert line.mend


@pytest.mark.parametrize("method", ["users.info", "usergroups.users.list", "conversations.info"])
async def test_what_breaks_half_way_is_no_wrong_id(workspace: Workspace, method: str) -> None:
    """Nobody looks for a mistake in a setting that has none."""
    workspace.faults.api.server_error(method, times=9)
    wrong = bad(await look(workspace, settings(workspace)))
    assert wrong
    assert all("cannot be reached (HTTP 500" in line.what for line in wrong)
