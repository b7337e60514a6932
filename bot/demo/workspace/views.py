"""What a view is: a modal or a Home, with the state of its inputs."""

from __future__ import annotations

from dataclasses import dataclass

from bot.demo.workspace.ids import elements_of
from bot.demo.workspace.people import APP, BOT, TEAM
from bot.demo.workspace.values import Json, copy, mapping, objects

_TEXTS = ("title", "submit", "close")
_PLAIN = ("callback_id", "private_metadata", "external_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One version of a view of one user."""

    id: str
    user: str
    payload: Json
    hash: str
    root: str
    previous: str | None = None
    values: Json

    @property
    def type(self) -> str:
        """`modal` or `home`."""
        return str(self.payload.get("type", ""))

    @property
    def blocks(self) -> list[Json]:
        """Its blocks."""
        return objects(self.payload.get("blocks"))

    @property
    def callback_id(self) -> str:
        """What the app calls it."""
        return str(self.payload.get("callback_id", ""))

    def to_json(self) -> Json:
        """The view object of the Web API and of interactions."""
        body: Json = {"id": self.id, "team_id": TEAM, "type": self.type, "hash": self.hash}
        body["blocks"] = self.blocks
        body |= {name: self.payload.get(name, "") for name in _PLAIN}
        body |= {name: self.payload.get(name) for name in _TEXTS}
        for name in ("clear_on_close", "notify_on_close", "submit_disabled"):
            body[name] = bool(self.payload.get(name, False))
        body["state"] = {"values": self.values}
        body |= {"root_view_id": self.root, "previous_view_id": self.previous}
        body |= {"app_id": APP, "bot_id": BOT, "app_installed_team_id": TEAM}
        return copy(body)


_INITIAL = {
    "initial_value": "value",
    "initial_option": "selected_option",
    "initial_options": "selected_options",
    "initial_user": "selected_user",
    "initial_conversation": "selected_conversation",
    "initial_channel": "selected_channel",
    "initial_date": "selected_date",
    "initial_time": "selected_time",
}
_STATEFUL: dict[str, Json] = {
    "plain_text_input": {"value": None},
    "number_input": {"value": None},
    "static_select": {"selected_option": None},
    "radio_buttons": {"selected_option": None},
    "checkboxes": {"selected_options": []},
    "multi_static_select": {"selected_options": []},
    "users_select": {"selected_user": None},
    "conversations_select": {"selected_conversation": None},
    "channels_select": {"selected_channel": None},
    "datepicker": {"selected_date": None},
    "timepicker": {"selected_time": None},
}


def initial_values(payload: Json, old: Json) -> Json:
    """The state of every stateful element: what was there before, or its initial value."""
    values: Json = {}
    for block in objects(payload.get("blocks")):
        for element in elements_of(block):
            kind = str(element.get("type"))
            if kind not in _STATEFUL:
                continue
            name = element["action_id"]
            before = mapping(mapping(old.get(str(block.get("block_id")))).get(name))
            state: Json = {"type": kind, **_STATEFUL[kind]}
            state |= {to: element[key] for key, to in _INITIAL.items() if key in element}
            values.setdefault(str(block.get("block_id")), {})[name] = (
                before if before.get("type") == kind else state
            )
    return values
