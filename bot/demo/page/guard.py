"""Who may talk to the page's server: a page of its own, on this machine, under its own name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from aiohttp import web

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

_NAMES: Final = ("127.0.0.1", "localhost")
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def guarded(handler: Handler) -> Handler:
    """Serve only requests for this server's own name, from its own pages.

    Another name in Host is a web site that has pointed its own name here; another Origin is a web
    site that calls from the reader's browser.
    """

    async def guard(request: web.Request) -> web.StreamResponse:
        port = _port_of(request)
        hosts = {f"{name}:{port}" for name in _NAMES}
        if request.headers.get("Host") not in hosts:
            return web.Response(status=421, text="This server answers to 127.0.0.1 only.")
        origin = request.headers.get("Origin")
        live = request.headers.get("Upgrade", "").lower() == "websocket"
        if (origin is None and live) or (
            origin is not None and origin not in {f"http://{host}" for host in hosts}
        ):
            return web.Response(status=403, text="Only the page of this server may ask.")
        return await handler(request)

    return guard


def _port_of(request: web.Request) -> int:
    """The port that the request came in by."""
    transport = request.transport
    name = None if transport is None else transport.get_extra_info("sockname")
    return 0 if name is None else int(name[1])
