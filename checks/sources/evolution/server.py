"""Where an Evolution server is, and with which key it is asked.

Addresses of rows are data: whoever may write a row names any host. So the environment's key goes to
the environment's origin (scheme, host, port) and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import httpx

from checks.engine.masking import harmless
from checks.engine.model import Problem
from checks.sources.credentials import unescaped
from checks.sources.loopback import is_loopback

_MAX_PORT = 65535
_PORTS: Final = {"http": 80, "https": 443}

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
    "name a host, carry no query, and have @ written %40 and / written %2F in a password.",
    mend="Set EVOLUTION_API_URL (or apiUrl in provider_config) to its address, such as "
    "https://evolution.example.org.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """An address and a key as they were configured; None or "" for what was not.

    hosts: of the environment's settings: the only hosts that rows may name beside the
        environment's own, which may then be asked without TLS too; none allows every host
    """

    url: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    hosts: tuple[str, ...] = ()


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
    def in_plain_text(self) -> bool:
        """Whether its key crosses a network without TLS."""
        url = httpx.URL(self.base)
        return url.scheme == "http" and not is_loopback(_name(url))

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be cut out of anything that is shown about it."""
        return tuple(secret for secret in (self.key, self.password) if secret)


def server_of(own: ServerSettings, environment: ServerSettings) -> Server | Problem:
    """The server of a connection: its own settings win over the environment's.

    An address of its own gets the environment's key only where it has the environment's origin.
    The reason never quotes an address that cannot be taken apart: it may hold a password.
    """
    if not ((own.url or "").strip() or (environment.url or "").strip()):
        return _NO_URL
    home = _parsed(environment.url)
    url = _parsed(own.url) if (own.url or "").strip() else home
    at_home = url is not None and home is not None and _origin(url) == _origin(home)
    key = (own.key or "").strip()
    if not key and (at_home or url is home):
        key = (environment.key or "").strip()
    problem = _key_problem(key, url, home, environment) or _address_problem(
        url, home, environment.hosts
    )
    if problem is not None:
        return problem
    if url is None:
        return _BAD_URL
    return Server(
        base=str(url.copy_with(userinfo=b"", path=url.path.rstrip("/") or "/")).rstrip("/"),
        key=key,
        user=url.username,
        password=url.password,
    )


def same_origin(server: Server, environment: ServerSettings) -> bool | None:
    """Whether a server is at the environment's address; None where the environment has none."""
    home = _parsed(environment.url)
    return None if home is None else _origin(httpx.URL(server.base)) == _origin(home)


def _key_problem(
    key: str, url: httpx.URL | None, home: httpx.URL | None, environment: ServerSettings
) -> Problem | None:
    if not key and environment.key and url is not None and url is not home:
        return Problem(
            what=f"The connection names a server of its own ({_host(url)}) without a key, and "
            "EVOLUTION_API_KEY goes to EVOLUTION_API_URL alone.",
            mend="Set apiKey in the connection's provider_config, or take apiUrl out of it.",
        )
    if not key:
        return _NO_KEY
    return None if key.isascii() and key.isprintable() else _BAD_KEY


def _address_problem(
    url: httpx.URL | None, home: httpx.URL | None, hosts: tuple[str, ...]
) -> Problem | None:
    """Why an address may not be asked. The environment's own host always may."""
    if url is None:
        return _BAD_URL
    if url is home or (home is not None and url.raw_host == home.raw_host):
        return None
    listed = _name(url) in {host.lower() for host in hosts}
    if hosts and not listed:
        return Problem(
            what=f"The connection's Evolution server ({_host(url)}) is not in evolution.hosts of "
            "runbook.yaml.",
            mend="If it is yours, add it to evolution.hosts; if not, correct apiUrl in the "
            "connection's provider_config.",
        )
    if url.scheme == "http" and not listed and not is_loopback(_name(url)):
        return Problem(
            what=f"The connection's Evolution server ({_host(url)}) has an http:// address: its "
            "key would cross the network in plain text.",
            mend="Write https:// in apiUrl of its provider_config, or list the host in "
            "evolution.hosts of runbook.yaml.",
        )
    return None


def _parsed(address: str | None) -> httpx.URL | None:
    """An address that can be asked; None for any other."""
    if unescaped(address or ""):
        return None
    try:
        url = httpx.URL((address or "").strip())
    except httpx.InvalidURL:
        return None
    return url if _can_be_asked(url) else None


def _can_be_asked(url: httpx.URL) -> bool:
    port_is_right = url.port is None or 0 < url.port <= _MAX_PORT
    return (
        url.scheme in ("http", "https")
        and bool(url.host)
        and port_is_right
        and not (url.query or url.fragment)
    )


def _origin(url: httpx.URL) -> tuple[str, bytes, int]:
    return url.scheme, url.raw_host, url.port or _PORTS[url.scheme]


def _name(url: httpx.URL) -> str:
    """A host as a list has it: in lower case, in ASCII, an IPv6 address without brackets."""
    return url.raw_host.decode("ascii").strip("[]").lower()


def _host(url: httpx.URL) -> str:
    return harmless(_name(url), 80)
