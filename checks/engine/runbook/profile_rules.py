"""Whether log profiles do what they say: each pattern compiles and matches its own example."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import cast

from checks.engine.linear import LinearPattern
from checks.engine.model import Json
from checks.engine.profiles import (
    EVENT_SIGNALS,
    JsonResponses,
    LineResponses,
    PairedResponses,
    ProfileSpec,
)
from checks.engine.runbook.dialect import compiled, pattern_fault
from checks.engine.runbook.issues import meant
from checks.engine.runbook.source import Fault, Loc

_LINE_GROUPS = ("status", "path")


def profile_faults(
    name: str, spec: ProfileSpec, others: Mapping[str, Json], at: Loc
) -> Iterator[Fault]:
    """Everything that is wrong with one profile, also with one that a user added.

    Args:
        name: the profile's own name.
        spec: the profile; its shape is right.
        others: all profiles by name, as written in the file.
        at: where the profile stands in the file.
    """
    recognise = _usable(spec.recognise)
    if recognise is None:
        yield Fault(loc=(*at, "recognise"), message=pattern_fault(spec.recognise))
    yield from _responses(spec, (*at, "responses"))
    if recognise is not None and not _recognises(recognise, spec.responses.example):
        yield Fault(loc=(*at, "recognise"), message="does not match the example of responses")
    for signal in spec.signals:
        yield from _signal(spec, signal, recognise, (*at, "signals", signal))
    yield from _borrowed(name, spec, others, (*at, "signals_of"))


def _usable(pattern: str) -> LinearPattern | None:
    return None if pattern_fault(pattern) else compiled(pattern)


def _recognises(recognise: LinearPattern, example: str) -> bool:
    return any(recognise.search(line) for line in example.encode().splitlines())


def _signal(
    spec: ProfileSpec, signal: str, recognise: LinearPattern | None, at: Loc
) -> Iterator[Fault]:
    if signal not in EVENT_SIGNALS:
        yield Fault(loc=at, message=f"unknown signal; {meant(signal, EVENT_SIGNALS)}")
    pattern, example = spec.signals[signal].pattern, spec.signals[signal].example
    fault = pattern_fault(pattern)
    if fault:
        yield Fault(loc=(*at, "pattern"), message=fault)
    elif not compiled(pattern).search(_searched(spec, example).encode()):
        yield Fault(loc=(*at, "pattern"), message="does not match its own example")
    # Where lines are JSON, an example may be the message alone: that is no line to recognise.
    whole_line = not isinstance(spec.responses, JsonResponses) or _object(example) is not None
    if whole_line and recognise is not None and not _recognises(recognise, example):
        yield Fault(loc=(*at, "example"), message="recognise does not match this example")


def _searched(spec: ProfileSpec, example: str) -> str:
    """The part of an example that the pattern sees: in a JSON line its message."""
    fields = _object(example) if isinstance(spec.responses, JsonResponses) else None
    if fields is None or not isinstance(spec.responses, JsonResponses):
        return example
    found = [_at(fields, path) for path in spec.responses.message]
    return next((text for text in found if isinstance(text, str)), "")


def _object(text: str) -> dict[str, Json] | None:
    try:
        value = cast("Json", json.loads(text))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _at(fields: dict[str, Json], path: str) -> Json:
    """A field by its path: `res.statusCode`; a key may itself hold the dots."""
    if path in fields:
        return fields[path]
    head, _, rest = path.partition(".")
    inner = fields.get(head)
    return _at(inner, rest) if rest and isinstance(inner, dict) else None


def _responses(spec: ProfileSpec, at: Loc) -> Iterator[Fault]:
    match spec.responses:
        case PairedResponses() as paired:
            yield from _paired(paired, at)
        case LineResponses() as line:
            yield from _line(line, at)
        case JsonResponses() as fields:
            yield from _json(fields, at)


def _paired(spec: PairedResponses, at: Loc) -> Iterator[Fault]:
    literals = {"request": spec.request, "response": spec.response}
    literals |= {"id": spec.id, "status": spec.status}
    for name, literal in literals.items():
        if not literal:
            yield Fault(loc=(*at, name), message="must not be empty")
        elif name != "request" and literal not in spec.example:
            yield Fault(loc=(*at, name), message=f"{literal!r} does not occur in the example")


def _line(spec: LineResponses, at: Loc) -> Iterator[Fault]:
    fault = pattern_fault(spec.pattern)
    if fault:
        yield Fault(loc=(*at, "pattern"), message=fault)
    else:
        pattern = compiled(spec.pattern)
        for group in _LINE_GROUPS:
            if group not in pattern.groupindex:
                yield Fault(loc=(*at, "pattern"), message=f"has no group (?P<{group}>…)")
        if not pattern.search(spec.example.encode()):
            yield Fault(loc=(*at, "pattern"), message="does not match its own example")
    after = spec.status_after
    if after is not None and not re.search(re.escape(after) + "[0-9]", spec.example):
        message = f"{after!r} does not stand before a digit in the example"
        yield Fault(loc=(*at, "status_after"), message=message)


def _json(spec: JsonResponses, at: Loc) -> Iterator[Fault]:
    fields = _object(spec.example)
    if fields is None:
        yield Fault(loc=(*at, "example"), message="is not one JSON object")
        return
    if not any(_is_status(_at(fields, path)) for path in spec.status):
        yield Fault(loc=(*at, "status"), message="no such path in the example holds a status")


def _is_status(value: Json) -> bool:
    return str(value).isdigit() and 100 <= int(str(value)) <= 599


def _borrowed(name: str, spec: ProfileSpec, others: Mapping[str, Json], at: Loc) -> Iterator[Fault]:
    wanted = spec.signals_of
    if wanted is None:
        return
    known = [other for other in others if other != name]
    if wanted == name:
        yield Fault(loc=at, message="names its own profile")
    elif wanted not in known:
        yield Fault(loc=at, message=f"unknown profile {wanted!r}; {meant(wanted, known)}")
    else:
        other = others[wanted]
        if isinstance(other, dict) and "signals_of" in other:
            message = f"{wanted} borrows its signals itself; name the profile that has them"
            yield Fault(loc=at, message=message)
