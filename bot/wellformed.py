"""The value of one variable: its parts, and what is wrong with it, as a phrase, or None."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from checks.sources.credentials import unescaped

_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,}")
_PERSON_OR_GROUP = re.compile(r"[UWS][A-Z0-9]{2,}")


def words(text: str | None) -> list[str]:
    """The entries of a list that is written with blanks or commas."""
    return (text or "").replace(",", " ").split()


def with_slash(url: str) -> str:
    """An address that ends in one slash."""
    return f"{url.rstrip('/')}/"


def password_of(url: str) -> str | None:
    """The password in an address, decoded; None where there is none."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return None
    return unquote(password) if password else None


def user_of(url: str) -> str:
    """The user in an address, decoded; it may be a token of its own. "" where there is none."""
    try:
        return unquote(urlsplit(url).username or "")
    except ValueError:
        return ""


def shown(entry: str) -> str:
    """An entry as an error may show it: never the whole of what could be a token."""
    return entry if len(entry) <= 24 else f"{entry[:8]}…"


def url_trouble(value: str) -> str | None:
    """Why a value is no address of a service; None if it is one."""
    misread = credentials_trouble(value)
    if misread is not None:
        return misread
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.query
    except ValueError:
        usable = False
    return None if usable else "is no URL. It takes one that starts with https:// or http://."


def credentials_trouble(value: str) -> str | None:
    """Why an address would be misread, its password for its host; None if it would not."""
    if not unescaped(value):
        return None
    return (
        "holds an @ that is not escaped, most likely in a password. Write @ as %40, / as %2F, ? as"
        " %3F and # as %23 there."
    )


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


def log_troubles(*, log: str | None, loki: bool, selector: str | None) -> list[str]:
    """What does not go together: Loki needs an address and a stream, and replaces a file."""
    errors: list[str] = []
    if loki and selector is None:
        errors.append(
            "GOLIVE_LOKI_URL is set without GOLIVE_LOKI_SELECTOR. It names the stream, such as"
            ' {app="crm"}.'
        )
    if selector is not None and not loki:
        errors.append("GOLIVE_LOKI_SELECTOR is set without GOLIVE_LOKI_URL, the address of Loki.")
    if log is not None and loki:
        errors.append(
            "GOLIVE_LOG and GOLIVE_LOKI_URL are both set. Unset one of them: the log is read from"
            " one place."
        )
    return errors
