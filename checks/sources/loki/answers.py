"""What Loki answers, checked on entry; of each answer only what is used is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, Field

_Point: TypeAlias = tuple[float, str]


class _Series(BaseModel):
    values: list[_Point] = Field(default_factory=list[_Point])
    value: _Point | None = None


class _Matrix(BaseModel):
    kind: Literal["matrix"] = Field(alias="resultType")
    result: list[_Series]


class _Vector(BaseModel):
    kind: Literal["vector"] = Field(alias="resultType")
    result: list[_Series]


class _Stream(BaseModel):
    # Newer servers may add a third element: structured metadata.
    values: list[tuple[str, str] | tuple[str, str, object]]


class _Streams(BaseModel):
    kind: Literal["streams"] = Field(alias="resultType")
    result: list[_Stream]


class _Counted(BaseModel):
    data: Annotated[_Matrix | _Vector, Field(discriminator="kind")]


class _Listed(BaseModel):
    data: _Streams


class _Labels(BaseModel):
    data: list[str] | None = None


class _Found(BaseModel):
    data: list[dict[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stream: epoch milliseconds and its text, which may be of several lines."""

    at: int
    text: str = field(repr=False)
    nanoseconds: int


def read_counts(body: bytes) -> dict[int, int]:
    """Epoch milliseconds of each point → its count, over all series of an answer.

    Raises:
        ValidationError: it is no matrix and no vector.
    """
    counts: dict[int, int] = {}
    for series in _Counted.model_validate_json(body).data.result:
        points = [*series.values, *((series.value,) if series.value is not None else ())]
        for at, value in points:
            key = round(at * 1000)
            counts[key] = counts.get(key, 0) + int(float(value))
    return counts


def read_entries(body: bytes) -> list[Entry]:
    """The entries of all streams of an answer, oldest first.

    Raises:
        ValidationError: it is no list of streams.
        ValueError: a time is no number.
    """
    found = [
        Entry(int(value[0]) // 1_000_000, value[1], int(value[0]))
        for stream in _Listed.model_validate_json(body).data.result
        for value in stream.values
    ]
    return sorted(found, key=lambda entry: entry.nanoseconds)


def read_labels(body: bytes) -> tuple[str, ...]:
    """The names of labels.

    Raises:
        ValidationError: it is no list of names.
    """
    return tuple(_Labels.model_validate_json(body).data or ())


def read_streams(body: bytes) -> int:
    """How many streams there are.

    Raises:
        ValidationError: it is no list of label sets.
    """
    return len(_Found.model_validate_json(body).data or ())
