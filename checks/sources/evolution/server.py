"""Where an Evolution server is, and with which key it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from checks.engine.model import Problem

_MAX_PORT = 65535

_NO_URL = Problem(
    what="No Evolution server was given.",
    mend="Set EVOLUTION_API_URL, or apiUrl in the connection's provider_config.",
)
_NO_KEY = Problem(
    what="No key for the Evolution server was given.",
    mend="Set EVOLUTION_API_KEY, or apiKey in the connection's provider_config.",
)
_BAD_KEY = Problem(
    what="The Evolution key holds characters that no HTTP header can carry.",
    mend="Set EVOLUTION_API_KEY (or apiKey in provider_config) again, without line breaks.",
)
_BAD_URL = Problem(
    what="The Evolution server's address cannot be asked: it must begin with https:// or http://, "
    "name a host, and carry no query.",
    mend="Set EVOLUTION_API_URL (or apiUrl in provider_config) to its address, such as "
    "https://evolution.example.org.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """An address and a key as they were configured; None or "" for what was not."""

    url: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """An Evolution server that can be asked. Equal servers are the same address with the same key.

    base: the address without credentials and without a slash at its end
    """

    base: str
    key: str = field(repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        """The name of its host, for sentences."""
        return httpx.URL(self.base).host

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be cut out of anything that is shown about it."""
        return tuple(secret for secret in (self.key, self.password) if secret)


def server_of(own: ServerSettings, environment: ServerSettings) -> Server | Problem:
    """The server of a connection: each of its own settings wins over the environment's.

    The reason never quotes an address that cannot be taken apart: it may hold a password.
    """
    address, key = own.url or environment.url, own.key or environment.key
    if not address or not address.strip():
        return _NO_URL
    if not key or not key.strip():
        return _NO_KEY
    if not key.strip().isascii() or not key.strip().isprintable():
        return _BAD_KEY
    try:
        url = httpx.URL(address.strip())
    except httpx.InvalidURL:
        return _BAD_URL
    if not _can_be_asked(url):
        return _BAD_URL
    return Server(
        base=str(url.copy_with(userinfo=b"", path=url.path.rstrip("/") or "/")).rstrip("/"),
        key=key.strip(),
        user=url.username,
        password=url.password,
    )


def _can_be_asked(url: httpx.URL) -> bool:
    port_is_right = url.port is None or 0 < url.port <= _MAX_PORT
    return (
        url.scheme in ("http", "https")
        and bool(url.host)
        and port_is_right
        and not (url.query or url.fragment)
    )
