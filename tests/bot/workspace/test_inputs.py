"""What people type and choose, in messages, modals and Home."""

# pyright: reportUnusedFunction=false
# Bolt keeps the listeners; nothing else names them.

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import ClientSession, web

from bot.demo.workspace import CanNotError, View, Workspace
from bot.demo.workspace.people import OPERATOR, RELEASES
from tests.bot.workspace.blocks import button, modal, option, plain, section, text_input
from tests.bot.workspace.bolt import Ack, Bot, Client
from tests.bot.workspace.clock import Clock
from tests.bot.workspace.conftest import Connect


def field(name: str, kind: str, **more: Any) -> dict[str, Any]:
    """An input block around one element."""
    element = {"type": kind, "action_id": name, **more}
    return {"type": "input", "block_id": name, "label": plain(name), "element": element}


def opened(workspace: Workspace, *blocks: dict[str, Any]) -> View:
    """A modal with inputs that a user has open."""
    views = workspace.state.views
    return views.open(views.trigger(OPERATOR), modal("form", list(blocks), submit="Go"))


@pytest.fixture
async def forms(app: Bot, connect: Connect) -> list[dict[str, Any]]:
    """The values of every modal that was submitted, and the actions in it."""
    seen: list[dict[str, Any]] = []

    @app.view("form")
    async def form(ack: Ack, view: dict[str, Any]) -> None:
        await ack()
        seen.append(view["state"]["values"])

    @app.action("pick")
    async def pick(ack: Ack, body: dict[str, Any]) -> None:
        await ack()
        seen.append(body)

    await connect(app)
    return seen


async def test_every_kind_of_input_arrives_in_the_state(
    workspace: Workspace, forms: list[dict[str, Any]]
) -> None:
    """Typed, one of several, several, a person, a date, and what was there before."""
    options = [option("a"), option("b")]
    view = opened(
        workspace,
        text_input("why", "reason", max_length=20),
        field("one", "static_select", options=options),
        field("some", "checkboxes", options=options, initial_options=[options[0]]),
        field("radio", "radio_buttons", options=options, initial_option=options[1]),
        field("who", "users_select"),
        field("day", "datepicker", initial_date="2026-11-23"),
    )
    await workspace.actor.submit(
        OPERATOR,
        view,
        {"reason": "because", "one": "b", "some": ["a", "b"], "who": OPERATOR},
    )
    (values,) = forms
    assert values["why"]["reason"]["value"] == "because"
    assert values["one"]["one"]["selected_option"]["value"] == "b"
    assert [o["value"] for o in values["some"]["some"]["selected_options"]] == ["a", "b"]
    assert values["radio"]["radio"]["selected_option"]["value"] == "b"
    assert values["who"]["who"] == {"type": "users_select", "selected_user": OPERATOR}
    assert values["day"]["day"]["selected_date"] == "2026-11-23"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"reason": "far too long"}, "longer"),
        ({"reason": "a"}, "shorter"),
        ({"reason": ""}, "empty: why"),
        ({"nothing": "a"}, "0 elements"),
        ({"reason": "good", "one": "c"}, "no option"),
        ({"reason": "good", "one": ["a", "b"]}, "takes no such choice"),
    ],
)
async def test_the_client_stops_what_the_form_does_not_take(
    workspace: Workspace, values: dict[str, Any], reason: str
) -> None:
    """Nothing is sent."""
    view = opened(
        workspace,
        text_input("why", "reason", min_length=2, max_length=5),
        field("one", "static_select", options=[option("a"), option("b")]) | {"optional": True},
    )
    with pytest.raises(CanNotError, match=reason):
        await workspace.actor.submit(OPERATOR, view, values)
    assert workspace.journal.entries() == ()


async def test_a_choice_in_a_message_and_in_a_modal(
    workspace: Workspace, client: Client, forms: list[dict[str, Any]]
) -> None:
    """The action carries the option; the state of the message or the view does as well."""
    options = [option("a"), option("b")]
    menu = {"type": "static_select", "action_id": "pick", "options": options}
    block = {"type": "actions", "block_id": "row", "elements": [menu]}
    posted = await client.chat_postMessage(channel=RELEASES, text="Pick", blocks=[block])
    message = workspace.state.messages.find(RELEASES, posted["ts"])
    with pytest.raises(CanNotError, match="needs a value"):
        await workspace.actor.click(OPERATOR, message, "pick")
    await workspace.actor.click(OPERATOR, message, "pick", value="b")
    assert forms[0]["actions"][0]["selected_option"]["value"] == "b"
    assert forms[0]["state"]["values"]["row"]["pick"]["selected_option"]["value"] == "b"

    outcome = await workspace.actor.click(OPERATOR, opened(workspace, block), "pick", value="a")
    assert forms[1]["actions"][0]["selected_option"]["value"] == "a"
    assert forms[1]["view"]["state"]["values"]["row"]["pick"]["selected_option"]["value"] == "a"
    assert outcome.view is not None
    assert outcome.view.values["row"]["pick"]["selected_option"]["value"] == "a"


async def test_an_input_tells_at_once_only_where_it_says_so(
    workspace: Workspace, forms: list[dict[str, Any]]
) -> None:
    """Else what is chosen is read at the submission, as in Slack."""
    options = [option("a"), option("b")]
    quiet = opened(workspace, field("pick", "radio_buttons", options=options))
    with pytest.raises(CanNotError, match="read when the view is submitted"):
        await workspace.actor.click(OPERATOR, quiet, "pick", value="b")
    assert forms == []
    telling = opened(
        workspace, field("pick", "radio_buttons", options=options) | {"dispatch_action": True}
    )
    await workspace.actor.click(OPERATOR, telling, "pick", value="b")
    (body,) = forms
    assert body["actions"][0]["selected_option"]["value"] == "b"


async def test_a_choice_beside_a_section_goes_with_its_view_and_ends_with_its_block(
    workspace: Workspace, forms: list[dict[str, Any]], client: Client
) -> None:
    """The state and the hash that an update is bound to; another block begins anew."""
    options = [option("a"), option("b")]

    def beside(block: str, initial: int) -> dict[str, Any]:
        radio = {"type": "radio_buttons", "action_id": "pick", "options": options}
        accessory = radio | {"initial_option": options[initial]}
        return section("Which?") | {"block_id": block, "accessory": accessory}

    view = opened(workspace, beside("first", 0))
    await workspace.actor.click(OPERATOR, view, "pick", value="b")
    (body,) = forms
    assert body["actions"][0]["selected_option"]["value"] == "b"
    assert body["view"]["hash"] == view.hash
    assert body["view"]["state"]["values"]["first"]["pick"]["selected_option"]["value"] == "b"
    for block, initial, stands in (("first", 0, "b"), ("second", 0, "a")):
        payload = modal("form", [beside(block, initial)], submit="Go")
        answer = await client.views_update(view_id=view.id, view=payload)
        values = answer["view"]["state"]["values"]
        assert values[block]["pick"]["selected_option"]["value"] == stands


async def test_the_same_action_in_two_blocks_needs_the_block(
    workspace: Workspace, client: Client, forms: list[dict[str, Any]]
) -> None:
    """An accessory counts as an element."""
    blocks = [
        section("One", block_id="one", accessory=button("pick", value="1")),
        section("Two", block_id="two", accessory=button("pick", value="2")),
    ]
    posted = await client.chat_postMessage(channel=RELEASES, text="Pick", blocks=blocks)
    message = workspace.state.messages.find(RELEASES, posted["ts"])
    with pytest.raises(CanNotError, match="2 elements"):
        await workspace.actor.click(OPERATOR, message, "pick")
    await workspace.actor.click(OPERATOR, message, "pick", block_id="two")
    assert forms[0]["actions"][0]["value"] == "2"


async def test_errors_must_name_inputs_of_the_form(
    workspace: Workspace, app: Bot, connect: Connect
) -> None:
    """Otherwise Slack shows that something went wrong, and the modal stays."""

    @app.view("form")
    async def form(ack: Ack) -> None:
        await ack(response_action="errors", errors={"elsewhere": "No."})

    await connect(app)
    view = opened(workspace, text_input("why", "reason"))
    outcome = await workspace.actor.submit(OPERATOR, view, {"reason": "a"})
    assert (outcome.error, outcome.errors) == ("invalid_errors", {})
    assert outcome.view is not None


async def test_a_page_can_be_served_beside_the_api(clock: Clock, session: ClientSession) -> None:
    """It is a client of the same server."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="channels")

    workspace = Workspace(now=clock.now)
    workspace.add_routes([web.get("/", page)])
    async with workspace, session.get(f"{workspace.base_url}/") as answer:
        assert await answer.text() == "channels"
