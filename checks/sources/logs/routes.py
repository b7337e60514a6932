"""Which signal a status is, and routes out of paths: without ids, secrets and query strings."""

from __future__ import annotations

import re
from functools import lru_cache

from checks.engine.masking import evidence_line

STATUS_SIGNALS = {401: "http_401", 403: "http_403", 429: "http_429"}
"""Statuses that are signals of their own, beside the class 5xx."""


def signal_of(status: int) -> str | None:
    """The signal that a response of this status counts for, beside `http_responses`."""
    return "http_5xx" if 500 <= status <= 599 else STATUS_SIGNALS.get(status)


_QUERY = re.compile(rb"[?#].*", re.DOTALL)
_WEBHOOK = re.compile(rb"(?i)(/webhooks/whatsapp/[^/]+/)[^/]+")
_ID = re.compile(
    rb"/(?:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{20,}|[0-9]+|[0-9a-fA-F]{16,}"
    rb"|(?=[^/]*[0-9])[A-Za-z0-9_.~-]{24,})(?=/|$)"
)


def route_of(method: bytes, path: bytes) -> str:
    """`GET /leads/:id` for `GET /leads/4711?x=1`; shapes of secrets masked, harmless to show.

    It is cut only where live secrets are known and masked: a part of one would not be found.
    """
    path = _QUERY.sub(b"", path)
    if b"/" in path[1:]:
        path = _WEBHOOK.sub(rb"\1[MASKED]", path)
        path = _ID.sub(b"/:id", path)
    return _shown(method + b" " + path)


@lru_cache(maxsize=1024)
def _shown(route: bytes) -> str:
    return evidence_line(route)
