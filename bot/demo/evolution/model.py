"""What an Evolution server keeps: instances and their webhooks, and the requests it was sent."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import uuid4

from checks.engine.model import Json

_EVENTS = (
    "APPLICATION_STARTUP,QRCODE_UPDATED,MESSAGES_SET,MESSAGES_UPSERT,MESSAGES_EDITED,"
    "MESSAGES_UPDATE,MESSAGES_DELETE,SEND_MESSAGE,SEND_MESSAGE_UPDATE,CONTACTS_SET,"
    "CONTACTS_UPSERT,CONTACTS_UPDATE,PRESENCE_UPDATE,CHATS_SET,CHATS_UPSERT,CHATS_UPDATE,"
    "CHATS_DELETE,GROUPS_UPSERT,GROUP_UPDATE,GROUP_PARTICIPANTS_UPDATE,CONNECTION_UPDATE,"
    "LABELS_EDIT,LABELS_ASSOCIATION,CALL,TYPEBOT_START,TYPEBOT_CHANGE_STATUS,REMOVE_INSTANCE,"
    "LOGOUT_INSTANCE,INSTANCE_CREATE,INSTANCE_DELETE,STATUS_INSTANCE"
)
EVENTS = tuple(_EVENTS.split(","))
"""Every event that a webhook may name, in the server's own order."""


@dataclass(slots=True, kw_only=True)
class WebhookRow:
    """One instance's webhook, as `webhook/set` leaves it."""

    url: str
    enabled: bool = True
    events: list[str] = field(default_factory=list[str])
    by_events: bool = False
    base64: bool = False
    headers: dict[str, Json] = field(default_factory=dict[str, Json])
    id: str = field(default_factory=lambda: f"cm{secrets.token_hex(11)}")
    created_at: str = ""
    updated_at: str = ""


@dataclass(slots=True, kw_only=True)
class InstanceRow:
    """One instance. `state` None leaves the field out of the answer, as the server can."""

    name: str
    state: str | None = "open"
    webhook: WebhookRow | None = None
    id: str = field(default_factory=lambda: str(uuid4()))
    token: str = field(default_factory=lambda: str(uuid4()).upper())
    created_at: str = ""
    restarts: int = 0


class Fault(StrEnum):
    """What can go wrong with a request.

    HANG:         no answer until the stand-in is healed
    UNAUTHORIZED, NOT_FOUND, SERVER_ERROR: 401, 404, 500 in Evolution's form; nothing is written
    RESET_BEFORE: the connection is reset before anything is written
    RESET_AFTER:  the connection is reset after the write is applied, in the place of the answer
    IGNORED:      the answer is that of a success, and nothing is written
    """

    HANG = "hang"
    UNAUTHORIZED = "401"
    NOT_FOUND = "404"
    SERVER_ERROR = "500"
    RESET_BEFORE = "reset before the write"
    RESET_AFTER = "reset after the write"
    IGNORED = "answered and not written"


@dataclass(slots=True, kw_only=True)
class Request:
    """One request as it came in; `status` None until it is answered, and for ever if it never is.

    target: path and query as sent
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: str
    status: int | None = None

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status and the JSON that goes with it."""

    status: int
    body: Json


def refusal(status: int, error: str, message: Json) -> Answer:
    """An error in Evolution's form."""
    return Answer(
        status=status, body={"status": status, "error": error, "response": {"message": message}}
    )
