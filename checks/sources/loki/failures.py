"""Every way in which a question to Loki can fail, as a typed value with a sentence and a mend."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import cast

import httpx

from checks.engine.masking import harmless, mask
from checks.engine.model import Problem
from checks.sources.http_trouble import trouble_of
from checks.sources.loki.address import Loki

_MAX_SAID = 200
_NO_TENANT = re.compile(r"no org id", re.IGNORECASE)


class FailureKind(StrEnum):
    """What kind of failure it was.

    NO_CLIENT:     no HTTP client can be set up
    UNREACHABLE:   no connection, or one that broke
    TIMEOUT:       connected or not, no answer in time
    CREDENTIALS:   401 or 403
    TENANT:        401 in Loki's own words: it wants X-Scope-OrgID
    RATE_LIMITED:  429, again and again
    BAD_QUERY:     400: a selector, a pattern or a limit of the tenant
    SERVER_ERROR:  5xx, again and again
    NOT_LOKI:      an answer that Loki does not give
    """

    NO_CLIENT = "no client"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timed out"
    CREDENTIALS = "credentials"
    TENANT = "tenant"
    RATE_LIMITED = "rate limited"
    BAD_QUERY = "bad query"
    SERVER_ERROR = "server error"
    NOT_LOKI = "not Loki"


ONE_QUERY = frozenset({FailureKind.BAD_QUERY, FailureKind.TIMEOUT, FailureKind.SERVER_ERROR})
"""Kinds that may be about one question, while the server answers others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A question without its answer."""

    kind: FailureKind
    problem: Problem
    status: int | None = None


class LokiError(Exception):
    """Carries a failure past the questions that depend on it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.problem.what)
        self.failure = failure


def no_answer(error: Exception, loki: Loki) -> Failure:
    """Why a question got no answer, told from the chain of exceptions behind the client's own."""
    late = isinstance(error, httpx.TimeoutException | TimeoutError)
    connecting = isinstance(error, httpx.ConnectTimeout)
    return Failure(
        kind=FailureKind.TIMEOUT if late and not connecting else FailureKind.UNREACHABLE,
        problem=Problem(
            what=f"Loki at {loki.base} cannot be asked: {trouble_of(error, loki.host).what}.",
            mend="Check Loki's load and the tenant's query limits, or look at a shorter window."
            if late and not connecting
            else "Check GOLIVE_LOKI_URL, its certificate, and the network between golive and Loki.",
        ),
    )


def refused(status: int, body: bytes, loki: Loki) -> Failure:
    """What a status outside 2xx means."""
    said = said_by(body, loki)
    kind, what, mend = _meaning(status, said)
    quoted = f": {said}" if said else ""
    return Failure(
        kind=kind,
        status=status,
        problem=Problem(what=f"Loki at {loki.base} {what}{quoted.rstrip('.')}.", mend=mend),
    )


def _meaning(status: int, said: str) -> tuple[FailureKind, str, str]:
    if status == HTTPStatus.UNAUTHORIZED and _NO_TENANT.search(said):
        return (
            FailureKind.TENANT,
            "asks for a tenant (401)",
            "Set GOLIVE_LOKI_TENANT to the tenant's id; it is sent as X-Scope-OrgID.",
        )
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return (
            FailureKind.CREDENTIALS,
            f"refuses the credentials ({status})",
            "Set GOLIVE_LOKI_TOKEN, or user:password in GOLIVE_LOKI_URL, to ones that may read.",
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return (
            FailureKind.RATE_LIMITED,
            "answers 429 (too many requests) again and again",
            "Raise the tenant's query limits in Loki, or look less often.",
        )
    if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
        return (
            FailureKind.BAD_QUERY,
            f"refuses the query ({status})",
            "Check GOLIVE_LOKI_SELECTOR, log.profiles in runbook.yaml, and the tenant's limits.",
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return (
            FailureKind.SERVER_ERROR,
            f"answers {status} again and again",
            "Check Loki's own log, and whether its ingesters and queriers are ready.",
        )
    return (
        FailureKind.NOT_LOKI,
        f"answers {status}, as no Loki does",
        "Check host, port and path of GOLIVE_LOKI_URL; redirects are not followed.",
    )


def not_loki(loki: Loki, status: int) -> Failure:
    """An answer of 2xx that is not in Loki's form."""
    return Failure(
        kind=FailureKind.NOT_LOKI,
        status=status,
        problem=Problem(
            what=f"{loki.base} answers, but not as Loki does.",
            mend="Check host, port and path of GOLIVE_LOKI_URL.",
        ),
    )


def said_by(body: bytes, loki: Loki) -> str:
    """The words of an error body, plain text or the message of an object, as they may be shown."""
    text = body.decode("utf-8", "replace").strip()
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        message = cast("dict[str, object]", found).get("message")
        text = message if isinstance(message, str) else ""
    if text[:1] == "<":  # a proxy's page
        return ""
    return harmless(mask(" ".join(text.split()), loki.secrets), _MAX_SAID)
