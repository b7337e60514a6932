"""Views through the Web API: hashes, values that stay, and the stack."""

from __future__ import annotations

from typing import Any

from bot.demo.workspace import Workspace
from bot.demo.workspace.people import OPERATOR
from tests.bot.workspace.blocks import modal, section, text_input
from tests.bot.workspace.bolt import Client
from tests.bot.workspace.calls import refusal
from tests.bot.workspace.clock import Clock


async def test_a_changed_view_is_not_overwritten_blindly(
    workspace: Workspace, client: Client
) -> None:
    """The hash of an older version is refused; without one the last writer wins."""
    views = workspace.state.views
    trigger = views.trigger(OPERATOR)
    opened = (await client.views_open(trigger_id=trigger, view=modal("a", [section("1")])))["view"]
    where: dict[str, Any] = {"view_id": opened["id"], "view": modal("a", [section("2")])}
    await client.views_update(**where, hash=opened["hash"])
    assert await refusal(client.views_update(**where, hash=opened["hash"])) == "hash_conflict"
    await client.views_update(**where)
    views.close(opened["id"])
    assert await refusal(client.views_update(**where)) == "not_found"
    home = {"type": "home", "blocks": [section("1")]}
    first = (await client.views_publish(user_id=OPERATOR, view=home))["view"]
    await client.views_publish(user_id=OPERATOR, view=home, hash=first["hash"])
    stale = client.views_publish(user_id=OPERATOR, view=home, hash=first["hash"])
    assert await refusal(stale) == "hash_conflict"


async def test_what_was_typed_stays_when_a_view_is_updated(
    workspace: Workspace, client: Client
) -> None:
    """As long as block and element keep their ids."""
    views = workspace.state.views
    payload = modal("a", [text_input("why", "reason")], submit="Go") | {"external_id": "one"}
    opened = await client.views_open(trigger_id=views.trigger(OPERATOR), view=payload)
    view = views.get(opened["view"]["id"])
    assert view is not None
    typed = {"why": {"reason": {"type": "plain_text_input", "value": "because"}}}
    views.set_values(view, typed)
    fresh = payload | {"blocks": [section("New"), *payload["blocks"]]}
    updated = await client.views_update(external_id="one", view=fresh)
    assert updated["view"]["state"]["values"] == typed
    twice = client.views_push(trigger_id=views.trigger(OPERATOR), view=payload)
    assert await refusal(twice) == "duplicate_external_id"


async def test_at_most_three_modals_lie_over_each_other(
    workspace: Workspace, client: Client
) -> None:
    """The fourth is refused."""
    views = workspace.state.views
    empty = client.views_push(trigger_id=views.trigger(OPERATOR), view=modal("a", []))
    assert await refusal(empty) == "not_found"
    await client.views_open(trigger_id=views.trigger(OPERATOR), view=modal("a", []))
    for _ in range(2):
        await client.views_push(trigger_id=views.trigger(OPERATOR), view=modal("a", []))
    fourth = client.views_push(trigger_id=views.trigger(OPERATOR), view=modal("a", []))
    assert await refusal(fourth) == "push_limit_reached"
    assert len(views.stack(OPERATOR)) == 3


async def test_trigger_lives_three_seconds_and_once(
    workspace: Workspace, client: Client, clock: Clock
) -> None:
    """A second use and a late use are refused with Slack's words."""
    views = workspace.state.views
    once, late = views.trigger(OPERATOR), views.trigger(OPERATOR)
    view = modal("one", [section("A")])
    await client.views_open(trigger_id=once, view=view)
    assert await refusal(client.views_open(trigger_id=once, view=view)) == "exchanged_trigger_id"
    clock.move(seconds=3)
    assert await refusal(client.views_open(trigger_id=late, view=view)) == "expired_trigger_id"
    assert await refusal(client.views_open(trigger_id="1.2.3", view=view)) == "invalid_trigger_id"
