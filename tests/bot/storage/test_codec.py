"""The codec: whatever goes in comes out the same, and what is not known is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from inspect import getmembers, isclass
from typing import Any, cast

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.postgres import EmbeddedPostgres
from bot.storage.codec import (
    ENUMS,
    TYPES,
    CodecError,
    as_text,
    decode,
    decoded,
    dumps,
    encode,
    from_text,
)
from checks.engine import model
from checks.engine.model import Decision, Level, Observed, Problem, Proof, Window
from tests.bot.reports import report as hostile_report

ANY_TEXT = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["\x00", "\ud83d\ude00", "\\u0000", "\\u!x", "$m", "😀"]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from([1e300, 5e-324, 1e16, -0.0, 0.1, 1.0, 123456789.125]),
    ANY_TEXT,
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3, minutes=30))])),
    st.sampled_from([*Level, *Decision, *Proof]),
)
KEYS = st.one_of(ANY_TEXT, st.integers())


def names(kind: type[Any]) -> list[str]:
    """The fields of a dataclass."""
    return [f.name for f in fields(kind)]


def grown(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Everything that can hold something."""
    holders: list[st.SearchStrategy[Any]] = [
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(KEYS, inner, max_size=3),
        st.frozensets(ANY_TEXT, max_size=3),
    ]
    models = (st.builds(k, **dict.fromkeys(names(k), inner)) for k in TYPES.values())
    return st.one_of(*holders, *models)


VALUES: st.SearchStrategy[object] = st.recursive(LEAVES, grown, max_leaves=12)


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal in type, order and every bit."""
    kind = cast("type[Any]", type(a))
    if kind is not type(b):
        equal = False
    elif issubclass(kind, dict):
        equal = same(list(a.items()), list(b.items()))
    elif issubclass(kind, list | tuple):
        equal = len(a) == len(b) and all(map(same, a, b))
    elif is_dataclass(a):
        equal = all(same(getattr(a, n), getattr(b, n)) for n in names(kind))
    elif issubclass(kind, float | datetime):  # NaN is not itself; instants are equal in any zone
        equal = str(a) == str(b)
    else:
        equal = a == b
    return equal


@given(VALUES)
def test_value_comes_back_the_same(value: object) -> None:
    """Types, order of keys, every character and every float."""
    assert same(decode(json.loads(dumps(value))), value)


@given(value=st.lists(VALUES, max_size=5))
def test_jsonb_keeps_it(value: object, connection: psycopg.Connection) -> None:
    """PostgreSQL takes all of it, and changes nothing."""
    row = connection.execute("SELECT %s::jsonb", [dumps(value)]).fetchone()
    assert row is not None
    assert same(decode(row[0]), value)


@given(text=ANY_TEXT)
def test_text_column_keeps_any_text(text: str, connection: psycopg.Connection) -> None:
    """What a text column would refuse is escaped on the way."""
    row = connection.execute("SELECT %s::text", [as_text(text)]).fetchone()
    assert row is not None
    assert from_text(row[0]) == text


@pytest.fixture(scope="module")
def connection(postgres_server: EmbeddedPostgres) -> Any:
    """A connection to an empty database."""
    with psycopg.connect(postgres_server.url(), autocommit=True) as connected:
        yield connected


def test_hostile_report_comes_back_the_same() -> None:
    """NUL, escapes and NaN of a log do not cost the verdict."""
    report = hostile_report(hostile=True)
    assert same(decode(json.loads(dumps(report))), report)


def test_every_type_of_the_model_is_known() -> None:
    """A type that is added to the model is added here, or nothing could be stored any more."""
    ours = [kind for _, kind in getmembers(model, isclass) if kind.__module__ == model.__name__]
    assert {kind.__name__ for kind in ours if is_dataclass(kind)} == set(TYPES)
    assert {kind.__name__ for kind in ours if issubclass(kind, Enum)} == set(ENUMS)


def test_plain_text_stays_readable() -> None:
    """Only what PostgreSQL refuses is escaped."""
    assert dumps({"a": "é 😀 \\"}) == '{"$m": ["a", "é 😀 \\\\"]}'
    assert as_text("é 😀 \\") == "é 😀 \\"


NOT_UNDERSTOOD: tuple[dict[str, Any], ...] = (
    {"$x": []},
    {"plain": 1},
    {},
    {"$m": [1], "$t": []},
    {"$": "Deployment", "id": 1},
    {"$": "Problem", "what": "a", "mend": "b", "who": "c"},
    {"$": "Problem", "what": "a"},
    {"$m": ["odd"]},
    {"$m": None},
    {"$m": [{"$m": []}, 1]},
    {"$d": "yesterday"},
    {"$d": 5},
    {"$e": ["Level", "FINE"]},
    {"$e": ["Colour", "red"]},
    {"$e": "Level"},
    {"$f": "much"},
    {"$u": "\\u12"},
    {"$t": [{"$y": 1}]},
)


@pytest.mark.parametrize("stored", NOT_UNDERSTOOD)
def test_what_is_not_understood_is_refused(stored: object) -> None:
    """Evidence that is half understood would give another verdict."""
    with pytest.raises(CodecError):
        decode(stored)


def test_field_with_a_default_may_be_missing() -> None:
    """An older version did not know it."""
    at = datetime(2026, 11, 23, tzinfo=UTC)
    stored = {"$": "Observed", "deployed_at": encode(at)}
    assert decode(stored) == Observed(deployed_at=at)


def test_other_type_is_refused() -> None:
    """A problem is no window."""
    with pytest.raises(CodecError, match="Window"):
        decoded(Window, encode(Problem(what="a", mend="b")))


@dataclass(frozen=True)
class Stranger:
    """No type of the model."""


class Level2(Enum):
    """No enum of the model."""

    OK = "OK"


@pytest.mark.parametrize("value", [Stranger(), Level2.OK, b"", {1, 2}, object(), timedelta(1)])
def test_stranger_is_not_stored(value: object) -> None:
    """Nothing goes in that would not come out."""
    with pytest.raises(CodecError, match="cannot be stored"):
        dumps([value])
