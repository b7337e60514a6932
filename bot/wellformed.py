"""Whether the value of one variable is well formed: a phrase that says what is wrong, or None."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,}")
_PERSON_OR_GROUP = re.compile(r"[UWS][A-Z0-9]{2,}")


def shown(entry: str) -> str:
    """An entry as an error may show it: never the whole of what could be a token."""
    return entry if len(entry) <= 24 else f"{entry[:8]}…"


def url_trouble(value: str) -> str | None:
    """Why a value is no address of a service; None if it is one."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.query
    except ValueError:
        usable = False
    return None if usable else "is no URL. It takes one that starts with https:// or http://."


def channel_trouble(value: str) -> str | None:
    """Why a value is no id of a channel; None if it is one."""
    if _CHANNEL.fullmatch(value):
        return None
    return (
        "is no channel id. It takes the id, such as C0123456789, that stands at the bottom of the"
        " channel's details in Slack, not its name."
    )


def person_trouble(value: str) -> str | None:
    """Why a value is no id of a user or user group; None if it is one."""
    if _PERSON_OR_GROUP.fullmatch(value):
        return None
    return (
        "is no id. It takes ids of users (U0123456789) and of user groups (S0123456789), which"
        " Slack shows in a profile's menu, not names."
    )


def address_trouble(value: str) -> str | None:
    """Why a value is no address that can be requested as it is; None if it is one."""
    return url_trouble(value.partition("?")[0])
