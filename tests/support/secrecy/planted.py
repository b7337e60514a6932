"""The one home of the secrets in the tests: what nothing that leaves golive may hold.

A test plants a secret by `plant`, or by its shape alone: a word with `planted` in it that goes on
to two digits is one, as is one with `of-the-tests-`, and whatever else `SHAPES` describes.
"""

from __future__ import annotations

import base64
import csv
import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import quote, urlsplit

LEAST: Final = 8
"""Characters of a secret that can be told from an ordinary word."""


class Kind(StrEnum):
    """What a secret is, as the sentence about its leak says it."""

    PLANTED = "a planted secret"
    PASSWORD = "a password"
    SLACK = "a Slack token"
    SIGNING = "a signing secret"
    WEBHOOK = "a webhook secret"
    KEY = "an API key"
    TOKEN = "a token"
    PHONE = "a phone number"


SHAPES: Final[tuple[tuple[Kind, str], ...]] = (
    (Kind.PLANTED, r"planted[0-9A-Za-z_-]{0,40}[0-9]{2}"),
    (Kind.PLANTED, r"of-the-tests-[0-9a-z]{4}"),
    (Kind.SLACK, r"\b(?:xox[a-z]|xapp)-[0-9A-Za-z-]{7}"),
    # Those of the fixtures, of rows made by hand, and of the demo.
    (Kind.PHONE, r"\b55119[0-9]{8}\b"),
    (Kind.TOKEN, r"eyJ[0-9A-Za-z_-]{6,60}\.[0-9A-Za-z_-]{4}"),
    # Of an instance in Evolution: the only identifiers in capitals.
    (Kind.TOKEN, r"\b[0-9A-F]{8}-(?:[0-9A-F]{4}-){3}[0-9]{0,11}[A-F]"),
    (Kind.KEY, r"\bevo(?:Demo|Global)7Key[0-9a-f]{8}"),
    (Kind.WEBHOOK, r"(?i)/webhooks/whatsapp/[a-z]{1,20}/[0-9a-z]{16}"),
    (Kind.PASSWORD, r"postgres(?:ql)?://[^\s:/@]{1,60}:[^\s:/@*\[]{4,60}@"),
)
"""Shapes of secrets, in the dialect shared by Hyperscan and `re`."""

EXAMPLE: Final = "postgresql://user:password@"
"""How golive's sentences show what a connection string looks like: it has the shape of one."""

STANDING: Final[tuple[tuple[Kind, str], ...]] = (
    # Of the stand-ins.
    (Kind.SIGNING, "local-workspace"),
    (Kind.KEY, "stand-in-evolution-key"),
    # Written in place by single tests.
    (Kind.WEBHOOK, "another-secret-that-is-long-enough"),
    (Kind.WEBHOOK, "live-secret-of-a-unit"),
    (Kind.KEY, "key-of-golive-itself"),
    (Kind.KEY, "its-own-key-1234"),
    (Kind.KEY, "a-wrong-key-of-some-length"),
    (Kind.PASSWORD, "a-password-of-the-role"),
    (Kind.PASSWORD, "hunter2-hunter2"),
    (Kind.PASSWORD, "planted-pw"),
    (Kind.PASSWORD, "storepassword"),
    (Kind.PASSWORD, "store-password"),
    (Kind.PASSWORD, "writer-password"),
    (Kind.SIGNING, "signing-secret"),
)
"""Secrets that need no fixture to be known."""

_known: dict[str, Kind] = {secret: kind for kind, secret in STANDING}


def plant(kind: Kind, secret: str) -> str:
    """Make a secret known to the search; the secret.

    Raises:
        ValueError: it is too short to be told from an ordinary word.
    """
    if len(secret) < LEAST:
        raise ValueError(f"{len(secret)} characters are no secret that can be searched for.")
    _known.setdefault(secret, kind)
    return secret


def plant_found(kind: Kind, secrets: Iterable[object]) -> None:
    """Make known what is long enough of what a database, or a URL, turned out to hold."""
    for secret in secrets:
        if isinstance(secret, str) and len(secret) >= LEAST:
            plant(kind, secret)


def plant_password(*urls: str) -> None:
    """Make the passwords of connection strings known."""
    plant_found(Kind.PASSWORD, (urlsplit(url).password for url in urls))


def plant_recorded() -> None:
    """Make the secrets of the recorded rows known; their phone numbers have a shape."""
    from tests.support.crm_rows import FIXTURES  # noqa: PLC0415 - whose rows are planted, too

    path = FIXTURES / "unit_whatsapp_connections.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            plant_found(Kind.WEBHOOK, [row["webhook_secret"]])
            if row["provider_config"]:
                plant_found(Kind.KEY, [json.loads(row["provider_config"]).get("apiKey")])


def known() -> Mapping[str, Kind]:
    """Each secret that is known by value, as it may be written, but for upper and lower case."""
    return {written: kind for secret, kind in _known.items() for written in _written(secret)}


def _written(secret: str) -> Iterator[str]:
    """As it is, and in addresses, in JSON, in hex, in base64 at any offset; and its long parts."""
    for text in (secret, *(part for part in re.split("[@/:?]", secret) if len(part) >= LEAST)):
        yield text
        yield quote(text, safe="")
        yield quote(text)
        yield json.dumps(text)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1]
    raw = secret.encode()
    yield raw.hex()
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # The letters at both ends depend on what stands before and behind.
            inner = encode(b"\0" * offset + raw).decode().rstrip("=")[4 if offset else 0 : -1]
            if len(inner) >= LEAST:
                yield inner
