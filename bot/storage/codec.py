r"""The engine's values as JSON and back, exactly: types, order of keys, every character.

JSON has numbers, texts, arrays and objects. Whatever else there is carries a tag, and so does every
mapping, for jsonb sorts the keys of an object:

| value | JSON |
| --- | --- |
| a dataclass of the model | {"$": "Window", "since": …, "until": …} |
| mapping (keys of any kind, in order) | {"$m": [key, value, key, value]} |
| tuple, frozenset | {"$t": […]}, {"$s": […]} |
| datetime | {"$d": "2026-11-23T22:00:00+00:00"} |
| enum | {"$e": ["Level", "OK"]} |
| float that jsonb's numeric would change (inf, nan, 1e300, -0.0) | {"$f": "inf"} |
| text with NUL or lone surrogates, which jsonb refuses | {"$u": "a\\x00b"} |

A tag, a type or a field that is not known is refused: evidence that is half understood would give
another verdict.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from enum import Enum
from itertools import chain
from typing import Any, Final, TypeVar, cast

from checks.engine import model
from checks.engine.known_secrets import hide_text

_T = TypeVar("_T")

TYPES: Final[Mapping[str, type[Any]]] = {
    kind.__name__: kind
    for kind in (
        model.Window,
        model.Problem,
        model.SignalEvidence,
        model.Leak,
        model.ConnectionChange,
        model.CreatedMessage,
        model.FailingStretch,
        model.LogEvidence,
        model.QueryResult,
        model.DatabaseEvidence,
        model.ProbeTry,
        model.HealthEvidence,
        model.Observed,
        model.Evidence,
        model.Quantity,
        model.Measurement,
        model.Finding,
        model.Criterion,
        model.Verdict,
        model.Report,
    )
}
"""The dataclasses that may be stored, by the name that stands in the store."""

ENUMS: Final[Mapping[str, type[Enum]]] = {
    kind.__name__: kind for kind in (model.Level, model.Decision, model.Proof)
}

_REFUSED = re.compile("[\x00\ud800-\udfff]")
_ESCAPED = "\\u!"
"""How a text in a column begins that was escaped."""


class CodecError(ValueError):
    """A value cannot be stored, or what is stored cannot be understood."""


def dumps(value: object) -> str:
    """A value as JSON text that jsonb accepts.

    Raises:
        CodecError: if it holds something that is no value of the model.
    """
    return json_text(encode(value))


def json_text(encoded: object) -> str:
    """What `encode` returned, as JSON text, without any secret that golive knows."""
    return hide_text(json.dumps(encoded, ensure_ascii=False, allow_nan=False))


def decoded(kind: type[_T], stored: Any) -> _T:
    """The value of one type that `dumps` stored, from JSON already parsed.

    Raises:
        CodecError: if it is not understood, or of another type.
    """
    value = decode(stored)
    if not isinstance(value, kind):
        raise CodecError(f"A {kind.__name__} was stored as {type(value).__name__}.")
    return value


def decoded_map(stored: Any) -> dict[str, Any]:
    """The mapping with text keys that was encoded.

    Raises:
        CodecError: if it is not understood, or something else.
    """
    return cast("dict[str, Any]", decoded(dict, stored))


def encode(value: object) -> Any:
    """A value as what `json` can write."""
    match value:
        case Enum():
            found: Any = {"$e": [_known(value, ENUMS), value.value]}
        case None | bool() | int():
            found = value
        case str():
            found = {"$u": _escape(value)} if _REFUSED.search(value) else value
        case float():
            found = value if _survives(value) else {"$f": repr(value)}
        case datetime():
            found = {"$d": value.isoformat()}
        case list():
            found = [encode(item) for item in cast("list[object]", value)]
        case tuple():
            found = {"$t": [encode(item) for item in cast("tuple[object, ...]", value)]}
        case frozenset():
            # Sorted, so that the same set is the same text.
            found = {"$s": sorted(map(encode, cast("frozenset[object]", value)), key=json.dumps)}
        case Mapping():
            pairs = cast("Mapping[object, object]", value).items()
            found = {"$m": [encode(part) for part in chain.from_iterable(pairs)]}
        case _:
            name = _known(value, TYPES)
            parts = {f.name: encode(getattr(value, f.name)) for f in fields(TYPES[name])}
            found = {"$": name, **parts}
    return found


def decode(stored: Any) -> object:
    """The value that was encoded.

    Raises:
        CodecError: if a tag, a type, a field or a value is not known.
    """
    if isinstance(stored, list):
        return [decode(item) for item in cast("list[Any]", stored)]
    if not isinstance(stored, dict):
        return stored
    found = cast("dict[str, Any]", stored)
    if "$" in found:
        return _dataclass(found)
    tag, content = next(iter(found.items()), ("", None))
    if len(found) != 1 or tag not in _READERS:
        raise CodecError(f"The tag {tag[:20]!r} is not known: a newer version wrote it.")
    try:
        return _READERS[tag](content)
    except (ValueError, TypeError, KeyError) as error:
        if isinstance(error, CodecError):
            raise
        raise CodecError(f"The content of the tag {tag!r} is not understood.") from None


def as_text(text: str) -> str:
    """A text that a text column accepts, without known secrets; `from_text` gives it back."""
    text = hide_text(text)
    return _ESCAPED + _escape(text) if _REFUSED.search(text) or text.startswith(_ESCAPED) else text


def from_text(stored: str) -> str:
    """The text that `as_text` made fit for a column."""
    return _unescape(stored.removeprefix(_ESCAPED)) if stored.startswith(_ESCAPED) else stored


def _dataclass(found: dict[str, Any]) -> object:
    kind = TYPES.get(str(found["$"]))
    if kind is None:
        raise CodecError(
            f"The type {str(found['$'])[:40]!r} is not known: a newer version wrote it."
        )
    known = {f.name: f for f in fields(kind)}
    values: dict[str, Any] = {n: decode(value) for n, value in found.items() if n != "$"}
    unknown = [name for name in values if name not in known]
    missing = [
        name
        for name, f in known.items()
        if name not in values and f.default is MISSING and f.default_factory is MISSING
    ]
    if unknown or missing:
        words = ", ".join([*(f"unknown {n}" for n in unknown), *(f"no {n}" for n in missing)])
        raise CodecError(f"A stored {kind.__name__} is of another version: {words}.")
    return kind(**values)


def _known(value: object, kinds: Mapping[str, type[Any]]) -> str:
    name = type(value).__name__
    if kinds.get(name) is not type(value):
        raise CodecError(f"A value of the type {name} cannot be stored.")
    return name


def _survives(value: float) -> bool:
    text = repr(value)
    return "." in text and "e" not in text and (value != 0 or math.copysign(1, value) > 0)


def _escape(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")


def _unescape(text: str) -> str:
    return text.encode("ascii").decode("unicode_escape")


def _mapping(parts: list[Any]) -> dict[object, object]:
    values = [decode(part) for part in parts]
    return dict(zip(values[::2], values[1::2], strict=True))


def _enum(parts: list[str]) -> Enum:
    name, value = parts
    return ENUMS[name](value)


_READERS: Final[Mapping[str, Callable[[Any], object]]] = {
    "$m": _mapping,
    "$t": lambda items: tuple(decode(item) for item in items),
    "$s": lambda items: frozenset(decode(item) for item in items),
    "$d": datetime.fromisoformat,
    "$e": _enum,
    "$f": float,
    "$u": _unescape,
}
