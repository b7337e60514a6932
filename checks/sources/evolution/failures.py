"""Every way in which a call to Evolution can fail, as a typed value with a sentence and a mend."""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

import httpx

from checks.engine.masking import harmless, mask
from checks.engine.model import Problem
from checks.sources.evolution.server import Server
from checks.sources.http_trouble import errors_behind, trouble_of

_UNKNOWN = re.compile(r"instance\b.*\b(does not exist|not found)", re.IGNORECASE | re.DOTALL)
_SETTING = "EVOLUTION_API_URL (or apiUrl in provider_config)"


class FailureKind(StrEnum):
    """What kind of failure it was.

    NOT_CONFIGURED:   no address or no key, or one that cannot be used
    CONNECT_TIMEOUT:  nothing came back to the attempt to connect: a dead host, or a firewall
    TIMEOUT:          connected, and no answer in time
    REFUSED:          the host answers, and nothing listens at the port
    TLS:              the certificate is not valid, or TLS could not be agreed on
    UNREACHABLE:      the name cannot be resolved, or the connection broke
    WRONG_KEY:        401
    UNKNOWN_INSTANCE: 404 in Evolution's own words, which it says whatever the key is
    HTTP_ERROR:       any other status
    NOT_EVOLUTION:    an answer that Evolution does not give
    """

    NOT_CONFIGURED = "not configured"
    CONNECT_TIMEOUT = "no answer to the attempt to connect"
    TIMEOUT = "timed out"
    REFUSED = "refused"
    TLS = "TLS"
    UNREACHABLE = "unreachable"
    WRONG_KEY = "wrong key"
    UNKNOWN_INSTANCE = "unknown instance"
    HTTP_ERROR = "HTTP error"
    NOT_EVOLUTION = "not Evolution"


NO_ANSWER = frozenset(
    {
        FailureKind.CONNECT_TIMEOUT,
        FailureKind.TIMEOUT,
        FailureKind.REFUSED,
        FailureKind.TLS,
        FailureKind.UNREACHABLE,
    }
)
"""Kinds after which asking the same server something else leads to the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A call without the answer that was asked for.

    status:  the HTTP status, where one came back
    arrived: whether the server may have acted on the request; a write must then be verified
    """

    kind: FailureKind
    problem: Problem
    status: int | None = None
    arrived: bool = False


_MENDS = {
    FailureKind.CONNECT_TIMEOUT: "Check that the host is up, and that firewalls let outbound "
    "HTTPS through to it.",
    FailureKind.TIMEOUT: "Check the Evolution container: its load, its database and its log.",
    FailureKind.REFUSED: "Nothing listens there: check that the Evolution container runs, and the "
    f"port in {_SETTING}.",
    FailureKind.TLS: f"Renew the server's certificate, or correct https:// and port in {_SETTING}.",
    FailureKind.UNREACHABLE: f"Check the host in {_SETTING}, the name server and the network.",
}


def not_configured(problem: Problem) -> Failure:
    """Nothing could be asked."""
    return Failure(kind=FailureKind.NOT_CONFIGURED, problem=problem)


def out_of_time(server: Server) -> Failure:
    """The time that there was for all calls is used up."""
    return Failure(
        kind=FailureKind.TIMEOUT,
        problem=Problem(
            what=f"Evolution at {server.base} did not answer everything in the time there was.",
            mend=_MENDS[FailureKind.TIMEOUT],
        ),
    )


def no_answer(error: Exception, server: Server) -> Failure:
    """Why a request got no answer, told from the chain of exceptions behind the client's own."""
    kind = kind_of(error)
    what = trouble_of(error, server.host).what
    return Failure(
        kind=kind,
        problem=Problem(
            what=f"Evolution at {server.base} cannot be reached: {what}.", mend=_MENDS[kind]
        ),
        arrived=not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError),
    )


def kind_of(error: Exception) -> FailureKind:
    """What an exception of the client means, whatever server was asked."""
    if isinstance(error, httpx.ConnectTimeout):
        return FailureKind.CONNECT_TIMEOUT
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return FailureKind.TIMEOUT
    behind = list(errors_behind(error))
    if any(isinstance(e, socket.gaierror | UnicodeError) for e in behind):
        return FailureKind.UNREACHABLE
    if any(isinstance(e, ssl.SSLError) for e in behind):
        return FailureKind.TLS
    if any(isinstance(e, ConnectionRefusedError) for e in behind):
        return FailureKind.REFUSED
    return FailureKind.UNREACHABLE


def refused(server: Server, status: int, said: str, instance: str | None) -> Failure:
    """What a status outside 2xx means. `said` is the body's message, of whatever origin.

    Only the status counts: Evolution labels a malformed request 400 "Internal Server Error".
    """
    if status == HTTPStatus.UNAUTHORIZED:
        kind, what, mend = (
            FailureKind.WRONG_KEY,
            f"Evolution at {server.base} refuses the key (401).",
            "Set EVOLUTION_API_KEY (or apiKey in provider_config) to a key that is valid there.",
        )
    elif status == HTTPStatus.NOT_FOUND and instance is not None and _UNKNOWN.search(said):
        kind, what, mend = (
            FailureKind.UNKNOWN_INSTANCE,
            f"Evolution at {server.base} has no instance {shown(instance, server)}.",
            "Compare instance_id of the connection with the instances of that server.",
        )
    elif 300 <= status < 400:
        kind, what, mend = (
            FailureKind.HTTP_ERROR,
            f"Evolution at {server.base} redirects ({status}), which is not followed.",
            f"Set {_SETTING} to the address that it redirects to.",
        )
    elif status == HTTPStatus.NOT_FOUND:
        kind, what, mend = (
            FailureKind.NOT_EVOLUTION,
            f"{server.base} answers 404: there is no Evolution API at that path.",
            f"Check host and path in {_SETTING}.",
        )
    else:
        reason = f" ({shown(said, server)})" if said else ""
        kind, what, mend = (
            FailureKind.HTTP_ERROR,
            f"Evolution at {server.base} answers {status}{reason}.",
            "Check the Evolution container and its log.",
        )
    return Failure(kind=kind, problem=Problem(what=what, mend=mend), status=status, arrived=True)


def not_evolution(server: Server, status: int) -> Failure:
    """An answer of 2xx that is not in Evolution's form."""
    return Failure(
        kind=FailureKind.NOT_EVOLUTION,
        problem=Problem(
            what=f"{server.base} answers, but not as an Evolution API does.",
            mend=f"Check host, port and path in {_SETTING}.",
        ),
        status=status,
        arrived=True,
    )


def shown(text: str, server: Server) -> str:
    """Text of the server or of the database as it may be shown about this server."""
    return harmless(mask(text, server.secrets), 120)
