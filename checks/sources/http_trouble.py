"""Why a request got no answer, told from the chain of exceptions behind the client's own.

The words of exceptions are never shown: they may quote the address with its credentials.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar, cast

import httpx


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What went wrong, as part of a sentence, and what to do about it, as a sentence."""

    what: str
    mend: str


_CONNECT_TIMEOUT = Trouble(
    what="timed out while connecting",
    mend="Check the address, and that a firewall lets golive through.",
)
_NO_ANSWER = Trouble(
    what="connected, but no answer in time",
    mend="Check that the application is not overloaded or blocked.",
)
_REFUSED = Trouble(
    what="connection refused",
    mend="Nothing listens there: check that the application runs, and the port of BASE_URL.",
)
_NO_TLS = Trouble(
    what="TLS could not be agreed on",
    mend="Check that this port speaks HTTPS, or begin BASE_URL with http://.",
)
_NO_HTTP = Trouble(
    what="no HTTP answer: the connection was closed, or speaks another protocol",
    mend="Check that BASE_URL is the application's HTTP port, and that the application runs.",
)
_PROXY = Trouble(
    what="the proxy of the environment did not let the request through",
    mend="Check HTTPS_PROXY and HTTP_PROXY, or name the host in NO_PROXY.",
)
_BAD_REDIRECT = Trouble(
    what="redirects to something that is not a URL",
    mend="Check the Location header that the application answers.",
)
_BROKEN = Trouble(
    what="the connection broke off",
    mend="Check the network between golive and the application.",
)


def trouble_of(error: Exception, host: str) -> Trouble:
    """What an exception of the client means for a request to `host`."""
    timeout = _timeout(error)
    if timeout is not None:
        return timeout
    if _cause(error, socket.gaierror) is not None or isinstance(error, UnicodeError):
        return Trouble(
            what=f"the name {host} cannot be resolved",
            mend="Check the host name of BASE_URL, and the name server of this machine.",
        )
    certificate = _cause(error, ssl.SSLCertVerificationError)
    if certificate is not None:
        return Trouble(
            what=f"TLS certificate not valid ({certificate.verify_message or 'not trusted'})",
            mend="Renew the certificate, or make its CA known to golive (SSL_CERT_FILE).",
        )
    # Behind the handshake it is how TLS says that the connection was cut.
    if isinstance(error, httpx.ConnectError) and _cause(error, ssl.SSLError) is not None:
        return _NO_TLS
    if _cause(error, ConnectionRefusedError) is not None:
        return _REFUSED
    return _by_kind(error)


def _timeout(error: Exception) -> Trouble | None:
    if isinstance(error, httpx.ConnectTimeout):
        return _CONNECT_TIMEOUT
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return _NO_ANSWER
    return None


def _by_kind(error: Exception) -> Trouble:
    if isinstance(error, httpx.ProxyError):
        return _PROXY
    if isinstance(error, httpx.InvalidURL):
        return _BAD_REDIRECT
    if isinstance(error, httpx.RemoteProtocolError):
        # The client refuses an unreadable Location with the same class, but without a cause.
        return _NO_HTTP if error.__cause__ is not None else _BAD_REDIRECT
    return _BROKEN


_E = TypeVar("_E", bound=BaseException)


def _cause(error: BaseException, wanted: type[_E]) -> _E | None:
    """The first exception of a kind behind another, through causes and groups."""
    return next((e for e in errors_behind(error) if isinstance(e, wanted)), None)


def errors_behind(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that it came from, through causes, contexts and groups."""
    todo, seen = [error], set[int]()
    while todo:
        found = todo.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        todo.extend(e for e in (found.__cause__, found.__context__) if e is not None)
        if isinstance(found, BaseExceptionGroup):
            todo.extend(cast("BaseExceptionGroup[BaseException]", found).exceptions)
