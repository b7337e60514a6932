"""Lines that may hold a secret: fetched by what secrets look like, compared here.

A live secret is never part of a question, which stands in addresses and in query logs. What is
asked for is any text of its length and alphabet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from checks.engine.masking import MIN_LIVE_SECRET, SHAPES
from checks.sources.logs.leaks import LeakFinder
from checks.sources.logs.scan import Scanner
from checks.sources.logs.state import Tally
from checks.sources.logs.text import Segment
from checks.sources.loki.answers import Entry
from checks.sources.loki.form import Form
from checks.sources.loki.logql import quoted
from checks.sources.loki.spans import MINUTE

MOST = 5_000
"""Candidates that are fetched and compared; Loki's own usual limit of an answer."""

_RUN = re.compile(r"[A-Za-z0-9]+|[^A-Za-z0-9]+", re.ASCII)
_LONGEST = 500
"""A repeat of RE2 goes to 1,000; a run that is longer is looked for by its beginning."""


def shaped(form: Form) -> str:
    """A pipeline of the lines in which any of the known shapes of secrets occurs."""
    shapes = (f"(?i:{s.probe})" if s.caseless else f"(?:{s.probe})" for s in SHAPES)
    return f"{form.first}|~ {quoted('|'.join(shapes))}"


def alike(form: Form, secrets: Iterable[str]) -> str | None:
    """A pipeline of the lines that hold a text like one of these secrets; None without any."""
    shapes = sorted({shape_of(s) for s in secrets if len(s) >= MIN_LIVE_SECRET})
    if not shapes:
        return None
    return f"{form.first}|~ {quoted('|'.join(shapes))}"


def shape_of(secret: str) -> str:
    """A pattern of the same lengths and alphabets, which holds no character of the secret."""
    return "".join(_class(run) + f"{{{min(len(run), _LONGEST)}}}" for run in _RUN.findall(secret))


def _class(run: str) -> str:
    if not run[0].isascii() or not run[0].isalnum():
        return "[^A-Za-z0-9]"
    if re.fullmatch(r"[0-9a-f]+", run):
        return "[0-9a-f]"
    alphabet = {
        "0-9": any(c.isdigit() for c in run),
        "A-Z": any(c.isupper() for c in run),
        "a-z": any(c.islower() for c in run),
    }
    return f"[{''.join(span for span, there in alphabet.items() if there)}]"


def compare(
    form: Form, entries: Sequence[Entry], secrets: Sequence[bytes], key: bytes, tally: Tally
) -> None:
    """Count the leaks among candidates into a tally, as the lines of a file are.

    The request and the response of a leaked address are both candidates, so that how it was
    answered is known; the tally's other counts are of candidates only, and mean nothing.
    """
    segments: list[Segment] = []
    lines: list[bytes] = []
    size = 0
    for entry in entries:
        text = entry.text.encode("utf-8", "replace").removesuffix(b"\n") + b"\n"
        lines.append(text)
        size += len(text)
        segments.append(Segment(end=size, minute=entry.at // MINUTE))
    if not segments:
        return
    profile = form.profile
    with ThreadPoolExecutor(max_workers=1) as pool:
        scanner = Scanner(
            profile=profile,
            prefix=form.prefix,
            matcher=profile.matcher(secrets),
            leaks=LeakFinder(profile, secrets, key),
            pool=pool,
        )
        scanner.feed(b"".join(lines), tuple(segments), tally)
        scanner.finish()
