"""All that left golive in the tests of this process, and what of it is a secret."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

import hyperscan

from tests.support.secrecy.planted import EXAMPLE, SHAPES, Kind, known

_AROUND: Final = 60
_LONGEST: Final = 900
"""Characters by which a secret is found; Hyperscan refuses more than 4,000 bytes."""
_END: Final = b"\n\0\n"
"""Between two texts: no secret goes across it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A secret where none may be.

    about:  what ran: a test's id
    place:  where it was found, such as "Slack: chat.postMessage" or "golive.posts"
    around: the words before and after it, without any secret
    """

    about: str
    place: str
    kind: Kind
    around: str

    def __str__(self) -> str:
        return f"{self.about}: {self.kind} in {self.place}: {self.around}"


@dataclass(slots=True)
class Heard:
    """Texts, each kept once with where and in whose course it was heard first."""

    about: str = "before the first test"
    _texts: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])

    def hear(self, place: str, text: str) -> None:
        """Keep a text that left golive."""
        if text:
            self._texts.setdefault(text, (self.about, place))

    def forget(self) -> None:
        """Keep nothing of what was heard so far."""
        self._texts.clear()

    def leaks(self) -> list[Leak]:
        """What of it is secret, by all that is known by now; one a text and kind.

        All texts are searched at once, and the search is made when the last of them is there:
        some secrets are known only after they could have leaked.
        """
        texts = list(self._texts)
        raw = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = list(accumulate(len(one) + len(_END) for one in raw))
        secrets = {secret[:_LONGEST]: kind for secret, kind in known().items()}
        found: dict[tuple[int, Kind], Leak] = {}
        for kind, end in _scan(_END.join(raw), secrets):
            number = bisect_right(ends, end - 1)
            if (number, kind) not in found:
                about, place = self._texts[texts[number]]
                at = end - (ends[number] - len(raw[number]) - len(_END))
                around = _around(raw[number], at, secrets)
                found[number, kind] = Leak(about=about, place=place, kind=kind, around=around)
        return sorted(found.values(), key=lambda leak: (leak.about, leak.place, leak.kind))


def _scan(data: bytes, secrets: Mapping[str, Kind]) -> Iterator[tuple[Kind, int]]:
    """Kind and end of each secret in `data`."""
    literals = ["".join(f"\\x{byte:02x}" for byte in one.encode()) for one in secrets]
    kinds = [*(kind for kind, _ in SHAPES), *secrets.values()]
    expressions = [*(shape for _, shape in SHAPES), *literals]
    database = hyperscan.Database()
    database.compile(
        expressions=[one.encode() for one in expressions],
        ids=list(range(len(expressions))),
        flags=[0] * len(SHAPES) + [hyperscan.HS_FLAG_CASELESS] * len(literals),
    )
    hits: list[tuple[Kind, int]] = []

    def on_match(pattern: int, _start: int, end: int, _flags: int, _context: object) -> None:
        if not data.endswith(EXAMPLE.encode(), 0, end):
            hits.append((kinds[pattern], end))

    database.scan(data, match_event_handler=on_match, scratch=hyperscan.Scratch(database))
    yield from hits


def _around(raw: bytes, end: int, secrets: Mapping[str, Kind]) -> str:
    """Some words around a secret, with every secret in them replaced by its kind."""
    start = max(0, end - 4 * _AROUND)
    text = raw[start : end + 2 * _AROUND].decode("utf-8", "replace")
    for secret in sorted(secrets, key=len, reverse=True):
        if secret.lower() in text.lower():
            text = re.sub(re.escape(secret), f"<{secrets[secret]}>", text, flags=re.IGNORECASE)
    for kind, shape in SHAPES:
        # As much of a shape as tells it is not all of the secret: the rest of its word goes too.
        whole = rf"(?:{shape.removeprefix('(?i)')})[^\s\"'&<>]*"
        text = re.sub(whole, f"<{kind}>", text, flags=re.IGNORECASE | re.ASCII)
    # A word at an end may be a part of a secret that was cut off there.
    words = text.split()[1 if start else 0 : -1 if end + 2 * _AROUND < len(raw) else None]
    shown = " ".join(words)
    at = max(0, shown.find("<a") - _AROUND)
    return shown[at : at + 3 * _AROUND]


HEARD: Final = Heard()
"""Of this process."""


def hear(place: str, text: str) -> None:
    """Keep a text that left golive in this process, or in one that it started."""
    HEARD.hear(place, text)
