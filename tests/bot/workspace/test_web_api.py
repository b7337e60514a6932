"""The Web API as the SDK's own client sees it: tokens, scopes, messages, people, views."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from bot.demo.workspace import Workspace
from bot.demo.workspace.people import (
    ARCHIVED,
    BOT_USER,
    GUEST,
    OPERATOR,
    OPERATORS,
    PRIVATE,
    RELEASES,
    SECOND_OPERATOR,
    SHARED,
    STRANGER,
    WITHOUT_BOT,
)
from bot.demo.workspace.server import standard_credentials
from tests.bot.workspace.blocks import button, section
from tests.bot.workspace.bolt import Client, web_client
from tests.bot.workspace.calls import refusal, refused
from tests.bot.workspace.clock import Clock


async def test_tokens_are_told_apart(
    workspace: Workspace, session: aiohttp.ClientSession, client: Client
) -> None:
    """No token, a wrong one, and the right one for the wrong method."""
    nobody = web_client(workspace, session, token="")
    assert await refusal(nobody.auth_test()) == "not_authed"
    assert await refusal(web_client(workspace, session, token="xoxb-x").auth_test()) == (
        "invalid_auth"
    )
    app_token = workspace.credentials.app_token
    app = web_client(workspace, session, token=app_token)
    assert await refusal(app.auth_test()) == "not_allowed_token_type"
    bot_token = workspace.credentials.bot_token
    wrong = client.apps_connections_open(app_token=bot_token)
    assert await refusal(wrong) == "not_allowed_token_type"
    opened = await client.apps_connections_open(app_token=app_token)
    assert opened["url"].startswith("ws://127.0.0.1:")
    me = await client.auth_test()
    assert (me["user_id"], me["bot_id"]) == (BOT_USER, "B0GOLIVE001")
    assert (await client.api_test())["ok"]
    assert await refusal(client.api_call("chat.dance")) == "unknown_method"


async def test_no_token_is_in_the_journal(workspace: Workspace, client: Client) -> None:
    """Neither of the header nor of the arguments."""
    await client.auth_test()
    await client.apps_connections_open(app_token=workspace.credentials.app_token)
    await client.api_call("auth.test", params={"token": workspace.credentials.bot_token})
    told = repr(workspace.journal.entries()) + repr(workspace.credentials)
    assert workspace.credentials.bot_token not in told
    assert workspace.credentials.app_token not in told


async def test_missing_scope_names_what_is_needed(
    clock: Clock, session: aiohttp.ClientSession
) -> None:
    """Private channels need another scope; every answer carries the scopes."""
    scopes = frozenset({"channels:read", "channels:history"})
    credentials = replace(standard_credentials(), scopes=scopes)
    async with Workspace(now=clock.now, credentials=credentials) as workspace:
        client = web_client(workspace, session)
        answer = await client.conversations_info(channel=RELEASES)
        assert answer.headers["x-oauth-scopes"] == "channels:history,channels:read"
        error = await refused(client.conversations_info(channel=PRIVATE))
        assert error["error"] == "missing_scope"
        assert error["needed"] == "groups:read"
        assert error["provided"] == "channels:history,channels:read"
        posting = client.chat_postMessage(channel=RELEASES, text="No")
        assert (await refused(posting))["needed"] == "chat:write"


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("C0NOWHERE", "channel_not_found"),
        (WITHOUT_BOT, "not_in_channel"),
        (ARCHIVED, "is_archived"),
    ],
)
async def test_where_the_bot_can_not_post(client: Client, channel: str, error: str) -> None:
    """Slack's word for each."""
    assert await refusal(client.chat_postMessage(channel=channel, text="No")) == error


async def test_a_private_channel_without_the_bot_is_not_found(
    workspace: Workspace, client: Client
) -> None:
    """It is as if it were not there."""
    channel = workspace.state.place(PRIVATE)
    workspace.state.put_channel(replace(channel, members=channel.members - {BOT_USER}))
    assert await refusal(client.conversations_info(channel=PRIVATE)) == "channel_not_found"


async def test_ts_are_unique_and_rise_while_the_clock_stands_still(client: Client) -> None:
    """Order is never left to chance."""
    seen = [(await client.chat_postMessage(channel=RELEASES, text="x"))["ts"] for _ in range(5)]
    assert seen == sorted(set(seen))


async def test_update_loses_what_is_left_out(workspace: Workspace, client: Client) -> None:
    """Text, blocks, attachments and metadata are replaced as a whole; it is marked as edited."""
    metadata = {"event_type": "post", "event_payload": {"post_id": "1"}}
    posted = await client.chat_postMessage(
        channel=RELEASES, text="A", blocks=[section("A")], metadata=metadata
    )
    await client.chat_update(channel=RELEASES, ts=posted["ts"], text="B")
    message = workspace.state.messages.find(RELEASES, posted["ts"])
    assert (message.text, message.blocks, message.metadata) == ("B", (), None)
    assert message.edited_ts is not None
    assert len(workspace.state.messages.versions(RELEASES, posted["ts"])) == 2


async def test_only_the_bots_own_messages_can_be_changed(
    workspace: Workspace, client: Client
) -> None:
    """A person's message, one that is not there, and deletion."""
    said = workspace.actor.say(OPERATOR, RELEASES, "Hello")
    where: dict[str, Any] = {"channel": RELEASES, "ts": said.ts}
    assert await refusal(client.chat_update(**where, text="x")) == "cant_update_message"
    assert await refusal(client.chat_delete(**where)) == "cant_delete_message"
    missing = client.chat_update(channel=RELEASES, ts="1.000001", text="x")
    assert await refusal(missing) == "message_not_found"
    posted = await client.chat_postMessage(channel=RELEASES, text="x")
    await client.chat_delete(channel=RELEASES, ts=posted["ts"])
    assert [m.text for m in workspace.state.messages.of(RELEASES)] == ["Hello"]


async def test_ephemeral_is_for_one_reader_and_not_in_the_history(
    workspace: Workspace, client: Client
) -> None:
    """It can not be updated either."""
    sent = await client.chat_postEphemeral(channel=RELEASES, user=GUEST, text="Psst")
    assert workspace.state.messages.ephemerals(GUEST)[0].ts == sent["message_ts"]
    assert (await client.conversations_history(channel=RELEASES))["messages"] == []
    late = client.chat_update(channel=RELEASES, ts=sent["message_ts"], text="x")
    assert await refusal(late) == "message_not_found"
    away = client.chat_postEphemeral(channel=RELEASES, user=STRANGER, text="Psst")
    assert await refusal(away) == "user_not_in_channel"


async def test_history_pages_newest_first_and_leaves_replies_out(client: Client) -> None:
    """Broadcast replies are in; the cursor leads on; metadata only when asked for."""
    metadata = {"event_type": "post", "event_payload": {"post_id": "7"}}
    parent = await client.chat_postMessage(channel=RELEASES, text="0", metadata=metadata)
    await client.chat_postMessage(channel=RELEASES, text="hidden", thread_ts=parent["ts"])
    await client.chat_postMessage(
        channel=RELEASES, text="1", thread_ts=parent["ts"], reply_broadcast=True
    )
    await client.chat_postMessage(channel=RELEASES, text="2")
    first = await client.conversations_history(channel=RELEASES, limit=2)
    assert [m["text"] for m in first["messages"]] == ["2", "1"]
    assert first["has_more"]
    cursor = first["response_metadata"]["next_cursor"]
    second = await client.conversations_history(
        channel=RELEASES, limit=2, cursor=cursor, include_all_metadata=True
    )
    assert [m["text"] for m in second["messages"]] == ["0"]
    assert not second["has_more"]
    assert second["messages"][0]["metadata"] == metadata
    assert second["messages"][0]["reply_count"] == 2
    plain = await client.conversations_history(channel=RELEASES)
    assert "metadata" not in plain["messages"][-1]


async def test_history_between_two_ts(client: Client, clock: Clock) -> None:
    """Both ends are left out unless they are asked for."""
    ts: list[str] = []
    for number in range(4):
        posted = await client.chat_postMessage(channel=RELEASES, text=str(number))
        ts.append(posted["ts"])
        clock.move(seconds=2)
    span = {"channel": RELEASES, "oldest": ts[0], "latest": ts[3]}
    between = await client.conversations_history(**span)
    assert [m["text"] for m in between["messages"]] == ["2", "1"]
    all_of_them = await client.conversations_history(**span, inclusive=True)
    assert [m["text"] for m in all_of_them["messages"]] == ["3", "2", "1", "0"]


async def test_replies_begin_with_the_parent(client: Client) -> None:
    """Oldest first, in pages, with metadata when asked for."""
    parent = await client.chat_postMessage(channel=RELEASES, text="parent")
    for number in range(3):
        await client.chat_postMessage(
            channel=RELEASES,
            text=str(number),
            thread_ts=parent["ts"],
            metadata={"event_type": "post", "event_payload": {"post_id": str(number)}},
        )
    where: dict[str, Any] = {"channel": RELEASES, "ts": parent["ts"]}
    page = await client.conversations_replies(**where, limit=2, include_all_metadata=True)
    assert [m["text"] for m in page["messages"]] == ["parent", "0"]
    assert page["messages"][1]["metadata"]["event_payload"]["post_id"] == "0"
    cursor = page["response_metadata"]["next_cursor"]
    rest = await client.conversations_replies(**where, limit=2, cursor=cursor)
    assert [m["text"] for m in rest["messages"]] == ["1", "2"]
    nothing = client.conversations_replies(channel=RELEASES, ts="1.000001")
    assert await refusal(nothing) == "thread_not_found"
    lost = client.chat_postMessage(channel=RELEASES, text="x", thread_ts="1.000001")
    assert await refusal(lost) == "thread_not_found"


async def test_people_and_groups(client: Client) -> None:
    """Guests and strangers are marked; a group lists its members."""
    assert (await client.users_info(user=GUEST))["user"]["is_restricted"]
    assert (await client.users_info(user=STRANGER))["user"]["is_stranger"]
    assert await refusal(client.users_info(user="U0NOBODY")) == "user_not_found"
    page = await client.users_list(limit=3)
    assert len(page["members"]) == 3
    assert page["response_metadata"]["next_cursor"]
    groups = await client.usergroups_list(include_users=True)
    assert groups["usergroups"][0]["handle"] == "operators"
    members = await client.usergroups_users_list(usergroup=OPERATORS)
    assert members["users"] == [OPERATOR, SECOND_OPERATOR]
    assert await refusal(client.usergroups_users_list(usergroup="S0")) == "no_such_subteam"
    assert await refusal(client.team_info()) == "missing_scope"


async def test_channels_say_what_they_are(client: Client) -> None:
    """Shared, private, archived, and whether the bot is in."""
    shared = (await client.conversations_info(channel=SHARED))["channel"]
    assert shared["is_ext_shared"]
    assert shared["is_member"]
    listed = await client.conversations_list(
        types="public_channel,private_channel", exclude_archived=True
    )
    names = {channel["name"]: channel["is_member"] for channel in listed["channels"]}
    assert names == {"releases": True, "incident": True, "partners": True, "random": False}
    members = await client.conversations_members(channel=SHARED)
    assert STRANGER in members["members"]
    direct = await client.conversations_open(users=OPERATOR)
    posted = await client.chat_postMessage(channel=OPERATOR, text="Hello")
    assert posted["channel"] == direct["channel"]["id"]


async def test_permalink_of_a_reply_leads_into_its_thread(client: Client) -> None:
    """And of a message that is not there there is none."""
    parent = await client.chat_postMessage(channel=RELEASES, text="a")
    reply = await client.chat_postMessage(channel=RELEASES, text="b", thread_ts=parent["ts"])
    link = await client.chat_getPermalink(channel=RELEASES, message_ts=reply["ts"])
    assert f"thread_ts={parent['ts']}" in link["permalink"]
    missing = client.chat_getPermalink(channel=RELEASES, message_ts="1.000001")
    assert await refusal(missing) == "message_not_found"


async def test_refusals_name_the_path(client: Client) -> None:
    """response_metadata.messages says where."""
    blocks = [section("ok"), {"type": "actions", "elements": [button("a", value="x" * 2001)]}]
    error = await refused(client.chat_postMessage(channel=RELEASES, text="x", blocks=blocks))
    assert error["error"] == "invalid_blocks"
    (message,) = error["response_metadata"]["messages"]
    assert "[json-pointer:/blocks/1/elements/0/value]" in message
    late = client.api_call("chat.postMessage", params={"channel": RELEASES, "blocks": "[{"})
    assert await refusal(late) == "invalid_blocks_format"
    update = client.chat_update(channel=RELEASES, ts="1.0", text="x")
    assert await refusal(update) == "message_not_found"
    assert (
        await refusal(client.api_call("chat.postMessage", json={"channel": RELEASES})) == "no_text"
    )


async def test_a_page_can_follow_live(workspace: Workspace, client: Client) -> None:
    """Changes come in order, to a callback and to an iterator."""
    follower = workspace.state.changes.follow()
    kinds: list[str] = []
    unsubscribe = workspace.state.changes.subscribe(lambda change: kinds.append(change.kind))
    posted = await client.chat_postMessage(channel=RELEASES, text="1")
    await client.chat_update(channel=RELEASES, ts=posted["ts"], text="2")
    unsubscribe()
    await client.chat_delete(channel=RELEASES, ts=posted["ts"])
    assert kinds == ["posted", "updated"]
    followed = [(await anext(follower)).kind for _ in range(3)]
    assert followed == ["posted", "updated", "deleted"]
    await follower.aclose()
