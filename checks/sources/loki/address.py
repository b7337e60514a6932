"""Where Loki is, which stream is asked for, and with which credentials."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from checks.engine.model import Problem
from checks.sources.credentials import unescaped
from checks.sources.loopback import is_loopback

_SELECTOR = re.compile(r"\{\s*\S.*\}", re.DOTALL)
_API = "/loki/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loki:
    """One Loki server as one tenant sees it, and the stream in it.

    base:   the address without credentials, without a slash at its end
    tenant: sent as X-Scope-OrgID
    token:  sent as a bearer token; without it `user` and `password` are sent, where there are any
    """

    base: str
    selector: str
    tenant: str | None = None
    token: str | None = field(default=None, repr=False)
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        """The host's name, for messages."""
        return urlsplit(self.base).hostname or self.base

    @property
    def in_plain_text(self) -> bool:
        """Whether it is asked without TLS on another machine."""
        return self.base.startswith("http://") and not is_loopback(self.host)

    @property
    def name(self) -> str:
        """What it is called where a file would be called by its path."""
        return f"Loki {self.selector}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown, whatever the server answers."""
        return tuple(secret for secret in (self.token, self.password) if secret)


def loki_of(
    url: str, selector: str, *, token: str | None = None, tenant: str | None = None
) -> Loki | Problem:
    """The server that the settings name, or what is wrong with them.

    Args:
        url: http or https; may carry `user:password@` and a path.
        selector: the stream, as LogQL writes it: `{app="crm"}`.
        token: a bearer token, which goes before the credentials in the URL.
        tenant: the tenant's id, where Loki has several.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    asked = parts.scheme in {"http", "https"} and host and not (parts.query or parts.fragment)
    if not asked or not host or unescaped(url):
        return Problem(
            what="The address of Loki is no URL that can be asked.",
            mend="Write GOLIVE_LOKI_URL as http://loki:3100 or https://user:password@host, with @"
            " in the password as %40 and / as %2F.",
        )
    if not _SELECTOR.fullmatch(selector.strip()):
        return Problem(
            what="The selector of Loki's stream is no selector.",
            mend='Write GOLIVE_LOKI_SELECTOR as LogQL does, with its braces: {app="crm"}.',
        )
    bracketed = f"[{host}]" if ":" in host else host
    path = parts.path.rstrip("/").removesuffix(_API)
    return Loki(
        base=f"{parts.scheme}://{bracketed}{f':{port}' if port else ''}{path}",
        selector=selector.strip(),
        tenant=tenant,
        token=token,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
