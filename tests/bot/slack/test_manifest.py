"""The app's manifest: by Slack's rules, and the same as the code in both directions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from bot import app
from bot.actions import ACTIONS, CALLBACKS, CONFIRM, OF_FIXES, PREFIX
from bot.commands import BY_NAME, SLASH
from bot.demo.workspace.methods import MANIFEST_SCOPES
from bot.render.choosing import CHOOSE
from bot.slack.web import METHODS

MANIFEST = Path(__file__).parents[3] / "manifests" / "slack.yaml"
SOURCES = Path(__file__).parents[3] / "bot"


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    """The manifest as data."""
    return cast("dict[str, Any]", yaml.safe_load(MANIFEST.read_text(encoding="utf-8")))


def test_its_form_is_one_that_slack_takes(manifest: dict[str, Any]) -> None:
    """Versions, lengths, and sockets without an address."""
    assert manifest["_metadata"]["major_version"] in {1, 2}
    display = manifest["display_information"]
    assert 0 < len(display["name"]) <= 35
    assert 0 < len(display["description"]) <= 140
    assert re.fullmatch(r"#[0-9a-f]{6}", display["background_color"])
    assert 0 < len(manifest["features"]["bot_user"]["display_name"]) <= 80
    settings = manifest["settings"]
    assert settings["socket_mode_enabled"] is True
    assert settings["token_rotation_enabled"] is False
    assert settings["interactivity"] == {"is_enabled": True}
    assert "url" not in str(sorted(_keys(manifest)))


def test_the_command_is_the_one_that_is_listened_to(manifest: dict[str, Any]) -> None:
    """At most 32 characters, with its slash; escaped, as the parser expects it."""
    (command,) = manifest["features"]["slash_commands"]
    assert command["command"] == SLASH
    assert command["command"].startswith("/")
    assert len(command["command"]) <= 32
    assert len(command["description"]) <= 2_000
    assert len(command["usage_hint"]) <= 1_000
    assert command["should_escape"] is True


def test_the_events_are_the_ones_that_are_listened_to(manifest: dict[str, Any]) -> None:
    """In both directions; Home is on."""
    events = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert sorted(events) == sorted(app.EVENTS)
    assert manifest["features"]["app_home"]["home_tab_enabled"] is True


def test_the_scopes_are_those_of_the_methods_that_are_called(manifest: dict[str, Any]) -> None:
    """No more, no less; the command has one of its own."""
    scopes = manifest["oauth_config"]["scopes"]
    assert set(scopes) == {"bot"}
    asked = scopes["bot"]
    needed = {scope for method in METHODS.values() for scope in method.scopes} | {"commands"}
    assert len(asked) == len(set(asked))
    assert set(asked) == needed == set(MANIFEST_SCOPES)


def test_the_table_of_methods_is_what_the_code_calls() -> None:
    """Every call is in it, and everything in it is called."""
    called: set[str] = set()
    for path in (SOURCES / "slack").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name != "web.py":
            names = re.findall(r"\"([a-z]+(?:\.[a-zA-Z]+)+)\"", text)
            called |= {name for name in names if name in METHODS}
            for call in re.findall(r"\.(?:call|once)\(\s*\"([^\"]+)\"", text):
                assert call in METHODS, call
    assert called == set(METHODS)


def test_every_button_of_the_code_is_in_the_table() -> None:
    """A button that nobody answers to would say that it belongs to an earlier state."""
    for room in ("watch", "render"):
        for path in (SOURCES / room).rglob("*.py"):
            for name in re.findall(r"\"(golive\.[a-z_]+)\"", path.read_text(encoding="utf-8")):
                assert name in {*ACTIONS, CHOOSE}, f"{path.name}: {name}"
    assert {name.removeprefix(PREFIX) for name in ACTIONS} <= set(BY_NAME)
    assert set(CALLBACKS) <= set(ACTIONS)
    assert not {*OF_FIXES, CONFIRM} & set(ACTIONS)


def _keys(value: object) -> set[str]:
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value)
        return set(entries).union(*(_keys(inner) for inner in entries.values()))
    if isinstance(value, list):
        return set[str]().union(*(_keys(inner) for inner in cast("list[object]", value)))
    return set()
