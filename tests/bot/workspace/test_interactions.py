"""Commands, clicks, modals and Home through an unmodified Bolt app over Socket Mode."""

# pyright: reportUnusedFunction=false
# Bolt keeps the listeners; nothing else names them.

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.workspace import CanNotError, Kind, Traffic, View, Workspace
from bot.demo.workspace.people import GUEST, MEMBER, OPERATOR, RELEASES, SHARED, STRANGER
from tests.bot.workspace.blocks import button, confirm, modal, section, text_input
from tests.bot.workspace.bolt import Ack, Bot, Client
from tests.bot.workspace.conftest import Connect


async def test_command_is_acked_and_answered_in_the_channel(
    workspace: Workspace, app: Bot, connect: Connect
) -> None:
    """The payload carries who, where and what; the bot posts through the Web API."""
    seen: list[dict[str, Any]] = []

    @app.command("/golive")
    async def golive(ack: Ack, command: dict[str, Any], client: Client) -> None:
        await ack()
        seen.append(command)
        await client.chat_postMessage(channel=command["channel_id"], text="Watching 2.4.0.")

    await connect(app)
    outcome = await workspace.actor.command(OPERATOR, RELEASES, "/golive start 2.4.0")
    await workspace.until(lambda: bool(workspace.state.messages.of(RELEASES)))

    assert outcome.error is None
    assert outcome.ack is not None
    assert 0 <= outcome.ack.seconds < 3
    assert outcome.ack.payload is None
    assert seen[0]["text"] == "start 2.4.0"
    assert seen[0]["user_id"] == OPERATOR
    assert seen[0]["channel_id"] == RELEASES
    assert seen[0]["trigger_id"] == outcome.trigger_id
    assert seen[0]["response_url"] == outcome.response_url
    assert workspace.state.messages.of(RELEASES)[0].text == "Watching 2.4.0."
    assert [e.ref for e in workspace.journal.entries(Traffic.ACK)] == [outcome.envelope_id]


async def test_text_in_a_commands_ack_is_for_its_user_only(
    workspace: Workspace, app: Bot, connect: Connect
) -> None:
    """A refusal needs no call: it travels in the ack."""

    @app.command("/golive")
    async def golive(ack: Ack) -> None:
        await ack("You may not.")

    await connect(app)
    outcome = await workspace.actor.command(MEMBER, RELEASES, "/golive start")

    assert outcome.ack is not None
    assert outcome.ack.payload == {"text": "You may not."}
    assert [m.text for m in workspace.state.messages.ephemerals(MEMBER)] == ["You may not."]
    assert workspace.state.messages.ephemerals(OPERATOR) == ()
    assert workspace.state.messages.of(RELEASES) == ()


async def test_click_carries_message_container_and_value(
    workspace: Workspace, app: Bot, connect: Connect, client: Client
) -> None:
    """A button in an attachment's blocks arrives with all that a handler reads."""
    bodies: list[dict[str, Any]] = []

    @app.action("approve")
    async def approve(ack: Ack, body: dict[str, Any], respond: Ack) -> None:
        await ack()
        bodies.append(body)
        await respond("Done.", replace_original=True)

    await connect(app)
    blocks = [{"type": "actions", "block_id": "row", "elements": [button("approve", value="7")]}]
    posted = await client.chat_postMessage(
        channel=RELEASES,
        text="NO-GO",
        attachments=[{"color": "#c00000", "fallback": "NO-GO", "blocks": blocks}],
    )
    message = workspace.state.messages.find(RELEASES, posted["ts"])
    outcome = await workspace.actor.click(OPERATOR, message, "approve")
    await workspace.until(lambda: len(workspace.state.messages.versions(RELEASES, message.ts)) > 1)

    body = bodies[0]
    assert outcome.error is None
    assert body["actions"][0]["value"] == "7"
    assert body["actions"][0]["block_id"] == "row"
    assert body["container"]["message_ts"] == message.ts
    assert body["container"]["type"] == "message_attachment"
    assert body["container"]["attachment_id"] == 1
    assert body["message"]["attachments"][0]["color"] == "c00000"
    assert body["channel"] == {"id": RELEASES, "name": "releases"}
    assert body["user"]["id"] == OPERATOR
    assert workspace.state.messages.find(RELEASES, message.ts).text == "Done."


async def test_click_on_an_old_version_still_arrives(
    workspace: Workspace, app: Bot, connect: Connect, client: Client
) -> None:
    """Somebody's screen may show what was replaced."""
    bodies: list[dict[str, Any]] = []

    @app.action("undo")
    async def undo(ack: Ack, body: dict[str, Any]) -> None:
        await ack()
        bodies.append(body)

    await connect(app)
    elements = [button("undo", value="3")]
    posted = await client.chat_postMessage(
        channel=RELEASES, text="Fixed", blocks=[{"type": "actions", "elements": elements}]
    )
    await client.chat_update(channel=RELEASES, ts=posted["ts"], text="Undone", blocks=[])
    old, new = workspace.state.messages.versions(RELEASES, posted["ts"])

    await workspace.actor.click(OPERATOR, old, "undo")
    assert bodies[0]["message"]["text"] == "Fixed"
    with pytest.raises(CanNotError, match="0 elements"):
        await workspace.actor.click(OPERATOR, new, "undo")


async def test_click_with_a_confirm_object_needs_the_persons_word(
    workspace: Workspace, client: Client
) -> None:
    """The client asks before anything is sent."""
    elements = [button("fix", confirm=confirm())]
    posted = await client.chat_postMessage(
        channel=RELEASES, text="Fix?", blocks=[{"type": "actions", "elements": elements}]
    )
    message = workspace.state.messages.find(RELEASES, posted["ts"])
    with pytest.raises(CanNotError, match="asks first"):
        await workspace.actor.click(OPERATOR, message, "fix")
    outcome = await workspace.actor.click(OPERATOR, message, "fix", confirm=True)
    assert outcome.error == "dispatch_failed"


async def test_only_those_who_see_a_button_can_press_it(
    workspace: Workspace, client: Client
) -> None:
    """Members of the channel, guests among them; an ephemeral one only its reader."""
    row = [{"type": "actions", "elements": [button("ok")]}]
    posted = await client.chat_postMessage(channel=SHARED, text="Shared", blocks=row)
    message = workspace.state.messages.find(SHARED, posted["ts"])
    with pytest.raises(CanNotError, match="is not in"):
        await workspace.actor.click(GUEST, message, "ok")
    assert (await workspace.actor.click(STRANGER, message, "ok")).error == "dispatch_failed"

    await client.chat_postEphemeral(channel=RELEASES, user=MEMBER, text="Yours", blocks=row)
    note = workspace.state.messages.ephemerals(MEMBER)[0]
    with pytest.raises(CanNotError, match="Only its reader"):
        await workspace.actor.click(OPERATOR, note, "ok")


def listen_to_fix(app: Bot) -> list[dict[str, Any]]:
    """A guarded action: a loading modal, then a form; returns what was submitted."""
    states: list[dict[str, Any]] = []

    @app.command("/golive")
    async def golive(ack: Ack, body: dict[str, Any], client: Client) -> None:
        await ack()
        loading = modal("fix", [section("Loading")])
        opened = await client.views_open(trigger_id=body["trigger_id"], view=loading)
        await client.views_update(
            view_id=opened["view"]["id"],
            hash=opened["view"]["hash"],
            view=modal("fix", [text_input("why", "reason")], submit="Fix"),
        )

    @app.view("fix")
    async def fix(ack: Ack, view: dict[str, Any]) -> None:
        states.append(view["state"]["values"])
        if view["state"]["values"]["why"]["reason"]["value"] == "no":
            await ack(response_action="errors", errors={"why": "Say more."})
        else:
            await ack()

    return states


async def test_modal_opens_updates_with_hash_and_submits_with_errors_then_closes(
    workspace: Workspace, app: Bot, connect: Connect
) -> None:
    """The way of every guarded action: loading, preview, reason, done."""
    states = listen_to_fix(app)
    await connect(app)
    await workspace.actor.command(OPERATOR, RELEASES, "/golive fix")

    def form() -> View | None:
        top = workspace.state.views.top(OPERATOR)
        return top if top is not None and top.payload.get("submit") else None

    await workspace.until(lambda: form() is not None)
    view = form()
    assert view is not None
    with pytest.raises(CanNotError, match="empty: why"):
        await workspace.actor.submit(OPERATOR, view)
    refused = await workspace.actor.submit(OPERATOR, view, {"reason": "no"})
    assert refused.errors == {"why": "Say more."}
    assert refused.view is not None
    done = await workspace.actor.submit(OPERATOR, refused.view, {"reason": "stale sessions"})
    assert (done.error, done.view) == (None, None)
    assert states[1]["why"]["reason"] == {"type": "plain_text_input", "value": "stale sessions"}


@pytest.mark.parametrize("action", ["update", "push", "clear", "bad"])
async def test_response_actions_are_applied_to_the_stack(
    workspace: Workspace, app: Bot, connect: Connect, action: str
) -> None:
    """Update replaces, push lays over, clear closes all; a faulty view changes nothing."""

    @app.command("/golive")
    async def golive(ack: Ack, body: dict[str, Any], client: Client) -> None:
        await ack()
        await client.views_open(
            trigger_id=body["trigger_id"], view=modal("one", [section("A")], submit="Go")
        )

    @app.view("one")
    async def one(ack: Ack) -> None:
        if action == "clear":
            await ack(response_action="clear")
        elif action == "bad":
            await ack(response_action="update", view=modal("two", [section("")]))
        else:
            await ack(response_action=action, view=modal("two", [section("B")]))

    await connect(app)
    await workspace.actor.command(OPERATOR, RELEASES, "/golive")
    await workspace.until(lambda: workspace.state.views.top(OPERATOR) is not None)
    view = workspace.state.views.top(OPERATOR)
    assert view is not None
    outcome = await workspace.actor.submit(OPERATOR, view)
    stack = [each.callback_id for each in workspace.state.views.stack(OPERATOR)]
    expected = {"update": ["two"], "push": ["one", "two"], "clear": [], "bad": ["one"]}
    assert stack == expected[action]
    assert outcome.error == ("invalid_arguments" if action == "bad" else None)


async def test_closing_tells_the_bot_only_if_it_asked(
    workspace: Workspace, app: Bot, connect: Connect
) -> None:
    """notify_on_close decides."""
    closed: list[str] = []

    @app.view_closed("loud")
    async def loud(ack: Ack, view: dict[str, Any]) -> None:
        await ack()
        closed.append(view["callback_id"])

    await connect(app)
    views = workspace.state.views
    quiet = views.open(views.trigger(OPERATOR), modal("quiet", [section("A")]))
    assert await workspace.actor.close(OPERATOR, quiet) is None
    payload = modal("loud", [section("A")]) | {"notify_on_close": True}
    view = views.open(views.trigger(OPERATOR), payload)
    outcome = await workspace.actor.close(OPERATOR, view)
    assert outcome is not None
    assert closed == ["loud"]
    assert views.top(OPERATOR) is None


async def test_home_opens_and_is_published(
    workspace: Workspace, app: Bot, connect: Connect
) -> None:
    """app_home_opened, then views.publish; buttons in Home work like in a modal."""
    clicked: list[dict[str, Any]] = []

    @app.event("app_home_opened")
    async def opened(event: dict[str, Any], client: Client) -> None:
        blocks = [{"type": "actions", "elements": [button("refresh")]}]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    @app.action("refresh")
    async def refresh(ack: Ack, body: dict[str, Any]) -> None:
        await ack()
        clicked.append(body)

    await connect(app)
    kinds: list[Kind] = []
    workspace.state.changes.subscribe(lambda change: kinds.append(change.kind))
    outcome = await workspace.actor.open_home(OPERATOR)
    await workspace.until(lambda: workspace.state.views.home(OPERATOR) is not None)
    assert outcome.ack is not None
    assert Kind.HOME_PUBLISHED in kinds
    home = workspace.state.views.home(OPERATOR)
    assert home is not None
    await workspace.actor.click(OPERATOR, home, "refresh")
    assert clicked[0]["container"] == {"type": "view", "view_id": home.id}
    assert clicked[0]["view"]["type"] == "home"
