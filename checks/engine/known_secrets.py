"""The secrets that golive knows by value, and their hiding in every spelling.

Whoever learns a secret (the settings, a row) tells `know`; from then on `hide` finds it, whoever
shows a text. A secret that is looked for in one text alone is given to `hide` with the text.
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    import hyperscan

MASK: Final = b"[MASKED]"

LEAST: Final = 6
"""Characters from which on a known secret is hidden; a shorter one would hide ordinary words."""

_LEAST_WORD: Final = 8
"""The same for one of letters alone, and for parts and encodings of a secret."""

_MOST: Final = 8_192
"""Bytes of a secret that are looked for: of a longer one its beginning. A private key of 8,192 bits
has 6.4 KB, and whoever may write a row chooses the length of its key."""

_LITERAL: Final = 1_000
"""Bytes of one literal; Hyperscan refuses more than 4,000."""

_PARTS: Final = re.compile(rb"[@/:?\r\n]+")
_SCHEME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]{0,31}://")
_URL_SIGNS: Final = re.compile(rb"[@/:?#% ]")
"""What golive's own sentence asks to escape in a URL's password: people leave the rest as it is."""

_HTML_SIGNS: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "'": "\\u0027"}
"""What serialisers escape in JSON beside what they must."""


def know(secrets: Iterable[str]) -> None:
    """Hide these from now on, in whatever text leaves this process.

    Compiling takes about 1 ms a secret: of many, let a thread do it.
    """
    _PROCESS.add(secrets)


def forget() -> None:
    """Know no secret any more: a test's end."""
    _PROCESS.clear()


def hide(data: bytes, secrets: Iterable[bytes] = ()) -> bytes:
    """Every known secret in `data` replaced by [MASKED], in time linear in its length.

    Args:
        data: raw text; need not be valid UTF-8.
        secrets: further ones, of any length.
    """
    if not data:
        return data
    spans = _PROCESS.spans(data)
    given = tuple(secrets)
    if given:
        spans += _matcher(given).spans(data)
    return _replaced(data, spans) if spans else data


def hide_text(text: str) -> str:
    """`hide` for text, which stays as it is where it holds no known secret."""
    raw = text.encode("utf-8", "surrogatepass")
    hidden = hide(raw)
    return text if hidden is raw else hidden.decode("utf-8", "surrogatepass")


def hide_in(value: object) -> object:
    """`hide_text` for every text within JSON; keys stay as they are."""
    if isinstance(value, str):
        return hide_text(value)
    if isinstance(value, Mapping):
        parts = cast("Mapping[object, object]", value)
        return {name: hide_in(part) for name, part in parts.items()}
    if isinstance(value, list | tuple):
        return [hide_in(part) for part in cast("Sequence[object]", value)]
    return value


def spellings(secret: bytes) -> frozenset[bytes]:
    """How a secret may be written, apart from upper and lower case.

    As it is, in an address, in JSON and code, in HTML, in base64 at any offset and in hex, and its
    longer parts.
    """
    whole = {secret, *_escaped(secret)}
    encoded = {secret.hex().encode(), *_base64(secret)}
    # An address keeps its scheme: that is no secret, and stands everywhere.
    parts = {part for part in _PARTS.split(_SCHEME.sub(b"", secret, count=1)) if part != secret}
    several = {*encoded, *parts, *(one for part in parts for one in _escaped(part))}
    return frozenset({*whole, *(one for one in several if len(one) >= _LEAST_WORD)} - {b""})


def _escaped(secret: bytes) -> Iterator[bytes]:
    yield _URL_SIGNS.sub(lambda sign: b"%%%02X" % sign[0][0], secret)
    for safe in ("", "/", "!'()*~"):
        percent = quote(secret, safe=safe)
        yield percent.encode()
        yield quote(percent, safe="").encode()
    yield quote_plus(secret).encode()
    text = secret.decode("utf-8", "surrogateescape")
    for ascii_only in (True, False):
        written = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        for one in (written, written.replace("/", "\\/"), "".join(map(_html_sign, written))):
            yield _raw(one)
            yield _raw(json.dumps(one, ensure_ascii=ascii_only)[1:-1])
    yield _raw(repr(text)[1:-1])
    yield _raw(html.escape(text, quote=False))
    yield _raw(html.escape(text))


def _html_sign(sign: str) -> str:
    return _HTML_SIGNS.get(sign, sign)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _base64(secret: bytes) -> Iterator[bytes]:
    """A secret by itself, and what of it stays the same wherever it stands in something longer."""
    for alphabet in (b"+/", b"-_"):
        yield base64.b64encode(secret, alphabet)
        for offset in range(3):
            written = base64.b64encode(b"\0" * offset + secret, alphabet)
            first = (0, 2, 3)[offset]
            last = len(written) - (0, 3, 2)[(offset + len(secret)) % 3]
            yield written[first:last]


# --- finding them -------------------------------------------------------------------------------


class _Matcher:
    """All spellings of some secrets, in one pass."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        self.secrets = frozenset(secrets)
        spelled = {one for secret in self.secrets if secret for one in spellings(secret[:_MOST])}
        found = {piece for one in spelled for piece in _pieces(one)}
        # The mask itself is no secret, and masking twice is masking once.
        self._literals = sorted(one for one in found if one.lower() not in MASK.lower())
        self._lock = threading.Lock()
        self._compiled = _compiled(self._literals) if self._literals else None

    def spans(self, data: bytes) -> list[tuple[int, int]]:
        """Where they stand, as half-open spans that may overlap."""
        if self._compiled is None:
            return []
        database, scratch = self._compiled
        found: list[tuple[int, int]] = []

        def note(literal: int, _begin: int, end: int, _flags: int, _context: object) -> None:
            found.append((end - len(self._literals[literal]), end))

        with self._lock:  # a scratch is for one scan at a time
            database.scan(data, match_event_handler=note, scratch=scratch)
        return found


def _pieces(spelling: bytes) -> Iterator[bytes]:
    """What a spelling is looked for by: itself, or pieces that overlap and so hide as one."""
    last = max(0, len(spelling) - _LITERAL)
    for begin in (*range(0, last, _LITERAL - 1), last):
        yield spelling[begin : begin + _LITERAL]


def _compiled(literals: Sequence[bytes]) -> tuple[hyperscan.Database, hyperscan.Scratch]:
    import hyperscan  # noqa: PLC0415 - only where there is a secret

    database = hyperscan.Database()
    database.compile(
        expressions=[b"".join(b"\\x%02x" % byte for byte in one) for one in literals],
        ids=list(range(len(literals))),
        flags=[hyperscan.HS_FLAG_CASELESS] * len(literals),
    )
    return database, hyperscan.Scratch(database)


@lru_cache(maxsize=64)
def _matcher(secrets: tuple[bytes, ...]) -> _Matcher:
    return _Matcher(secrets)


class _Known:
    """What this process knows. Whoever hides while some are added uses what was known before.

    A few new ones do not compile the others anew: there are several matchers, each with more
    secrets than the one behind it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._secrets: frozenset[bytes] = frozenset()
        self._matchers: tuple[_Matcher, ...] = ()

    def add(self, secrets: Iterable[str]) -> None:
        """Learn what is long enough of some secrets."""
        given = {one.encode("utf-8", "surrogatepass") for one in secrets if _is_telling(one)}
        with self._lock:
            new = given - self._secrets
            if not new:
                return
            matchers = list(self._matchers)
            while matchers and len(matchers[-1].secrets) <= len(new):
                new |= matchers.pop().secrets
            self._matchers = (*matchers, _Matcher(new))
            self._secrets |= new

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._secrets, self._matchers = frozenset(), ()

    def spans(self, data: bytes) -> list[tuple[int, int]]:
        """Where they stand."""
        return [span for matcher in self._matchers for span in matcher.spans(data)]


_PROCESS: Final = _Known()


def _is_telling(secret: str) -> bool:
    return len(secret) >= (_LEAST_WORD if secret.isalpha() else LEAST)


def _replaced(data: bytes, spans: list[tuple[int, int]]) -> bytes:
    out: list[bytes] = []
    done = 0
    for begin, end in _merged(sorted(spans)):
        out += (data[done:begin], MASK)
        done = end
    return b"".join((*out, data[done:]))


def _merged(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Sorted spans, those that overlap as one."""
    begin, end = spans[0]
    for first, last in spans[1:]:
        if first < end:
            end = max(end, last)
        else:
            yield begin, end
            begin, end = first, last
    yield begin, end
