"""The JSON Schema of runbook.yaml, for editors, and for naming the key that was meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import cast

from checks.engine.model import Json
from checks.engine.runbook.source import Loc
from checks.engine.runbook.spec import RunbookSpec
from checks.engine.thresholds import Op

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ONE_COMPARISON: Json = [{"required": [op.value]} for op in Op]


def schema() -> dict[str, Json]:
    """JSON Schema (2020-12) of runbook.yaml.

    What the schema cannot say (ids of checks and quantities, bounds that fit together, patterns)
    is checked when the file is loaded.
    """
    return deepcopy(_schema())


@cache
def _schema() -> dict[str, Json]:
    raw = cast("dict[str, Json]", RunbookSpec.model_json_schema(by_alias=True))
    out = cast("dict[str, Json]", _tidy(raw))
    shapes = cast("dict[str, dict[str, Json]]", out["$defs"])
    for name in ("BoundSpec", "SourceSpec"):
        shapes[name]["oneOf"] = _ONE_COMPARISON
    short: dict[str, Json] = {
        "BoundSpec": {"type": "number", "minimum": 0},
        "WindowSpec": {"type": "string", "pattern": "^[0-9]{1,6}[smhd]$"},
    }
    for name, simple in short.items():
        long = shapes[name]
        about = long.pop("description")
        shapes[name] = {"description": about, "anyOf": [simple, cast("Json", long)]}
    return {"$schema": _DIALECT, **out, "title": "golive runbook"}


def _tidy(value: Json) -> Json:
    """Without generated titles, and without null: an empty value is refused everywhere."""
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if not isinstance(value, dict):
        return value
    options = value.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        rest = [option for option in options if option != {"type": "null"}]
        kept = {k: v for k, v in value.items() if k not in ("anyOf", "default", "title")}
        (only,) = rest
        return _tidy({**kept, **cast("dict[str, Json]", only)})
    return {k: _tidy(v) for k, v in value.items() if not (k == "title" and isinstance(v, str))}


def allowed_keys(loc: Loc) -> tuple[str, ...]:
    """The keys that a mapping at this place may have; () where they are free or unknown."""
    names: dict[str, None] = {}
    for shape in _shapes_at(loc):
        names.update(dict.fromkeys(cast("dict[str, Json]", shape.get("properties", {}))))
    return tuple(names)


def _shapes_at(loc: Loc) -> Sequence[Mapping[str, Json]]:
    shapes = [*_resolve(_schema())]
    for step in loc:
        shapes = [found for shape in shapes for found in _step(shape, step)]
    return shapes


def _step(shape: Mapping[str, Json], step: str | int) -> Iterator[Mapping[str, Json]]:
    if isinstance(step, int):
        yield from _resolve(shape.get("items"))
        return
    properties = cast("dict[str, Json]", shape.get("properties", {}))
    yield from _resolve(properties.get(step, shape.get("additionalProperties")))


def _resolve(shape: Json) -> Iterator[Mapping[str, Json]]:
    """A shape itself, or all that it may be one of."""
    if not isinstance(shape, dict):
        return
    target = shape.get("$ref")
    if isinstance(target, str):
        shapes = cast("dict[str, Json]", _schema()["$defs"])
        yield from _resolve(shapes[target.rpartition("/")[2]])
        return
    yield shape
    for key in ("anyOf", "oneOf"):
        for option in cast("list[Json]", shape.get(key, [])):
            yield from _resolve(option)
