"""Recorded answers of a real Loki: read as they came, and given alike by the stand-in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from checks.sources.loki.address import Loki
from checks.sources.loki.answers import read_counts, read_entries, read_labels
from checks.sources.loki.failures import FailureKind, refused
from tests.support.logql import Counting, parse
from tests.support.loki import LokiStandIn

_RECORDED = Path(__file__).parents[2] / "fixtures" / "loki" / "recorded.json"
ANSWERS: dict[str, dict[str, Any]] = {
    answer["name"]: answer for answer in json.loads(_RECORDED.read_text("utf-8"))
}
LOKI = Loki(base="http://loki:3100", selector='{app="crm"}')
START, END = 1795471850907000064, 1795472210602999808


def body(name: str) -> bytes:
    """The body of a recorded answer."""
    return str(ANSWERS[name]["body"]).encode()


def test_a_series_gives_the_end_of_each_minute() -> None:
    """Points stand at whole minutes, though neither end of the question did."""
    found = read_counts(body("series of one signal"))
    assert [at % 60_000 for at in found] == [0] * 6
    assert list(found.values()) == [2, 3, 4, 3, 3, 2]
    assert max(found) > END // 10**6


def test_a_count_at_an_instant() -> None:
    """A vector of one value."""
    assert list(read_counts(body("instant count over a window")).values()) == [35]


@pytest.mark.parametrize("name", ["no line matches", "no such stream"])
def test_nothing_is_an_empty_answer_whatever_the_reason(name: str) -> None:
    """No match and no stream look the same, which is why the stream itself is asked for."""
    assert read_counts(body(name)) == {}


def test_entries_come_newest_first_and_are_read_oldest_first() -> None:
    """Times are nanoseconds."""
    found = read_entries(body("evidence lines"))
    assert [entry.at for entry in found] == [1795472153398, 1795472177556, 1795472197788]
    assert " HTTP/1.1 500 " in found[-1].text


def test_labels() -> None:
    """The names of labels."""
    assert read_labels(body("labels")) == ("app", "env", "service_name")


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("bad query", FailureKind.BAD_QUERY, "error parsing regexp"),
        ("too many points", FailureKind.BAD_QUERY, "11,000 points"),
        ("ready", FailureKind.SERVER_ERROR, "Ingester not ready"),
    ],
)
def test_refusals_are_typed_and_quoted(name: str, kind: FailureKind, says: str) -> None:
    """Plain text becomes part of a sentence with a mend."""
    failure = refused(ANSWERS[name]["status"], body(name), LOKI)
    assert failure.kind is kind
    assert says in failure.problem.what
    assert failure.problem.what.endswith(".")
    assert failure.problem.mend.endswith(".")


# --- the stand-in ---------------------------------------------------------------------------------


async def replayed(loki: LokiStandIn, name: str) -> httpx.Response:
    """What the stand-in says to a recorded question."""
    request = ANSWERS[name]["request"]
    async with httpx.AsyncClient() as client:
        return await client.get(f"{loki.url}{request['path']}", params=request["params"])


@pytest.mark.parametrize(
    "name", ["series of one signal", "no line matches", "no such stream", "evidence lines"]
)
async def test_the_stand_in_answers_in_the_recorded_form(loki: LokiStandIn, name: str) -> None:
    """Status, content type, kind of result and shape are those of the real one."""
    loki.push(
        {"app": "crm", "env": "production", "service_name": "crm"},
        [(entry.nanoseconds, entry.text) for entry in read_entries(body("evidence lines"))],
    )
    answer, recorded = await replayed(loki, name), ANSWERS[name]
    assert answer.status_code == recorded["status"]
    assert answer.headers["Content-Type"] == recorded["content_type"]
    ours, real = answer.json()["data"], json.loads(recorded["body"])["data"]
    assert ours["resultType"] == real["resultType"]
    assert bool(ours["result"]) == bool(real["result"])
    if name == "evidence lines":
        assert ours["result"][0]["values"] == real["result"][0]["values"]
    if name == "series of one signal":
        ends = [at for at, _n in ours["result"][0]["values"]]
        assert set(ends) <= {at for at, _n in real["result"][0]["values"]}


@pytest.mark.parametrize("name", ["bad query", "too many points"])
async def test_the_stand_in_refuses_as_the_real_one(loki: LokiStandIn, name: str) -> None:
    """400, with the same first words."""
    answer, recorded = await replayed(loki, name), ANSWERS[name]
    assert (answer.status_code, answer.headers["Content-Type"]) == (
        recorded["status"],
        recorded["content_type"],
    )
    assert answer.text[:30].split("'")[0][:12] == recorded["body"][:12]


async def test_the_stand_in_knows_the_labels(loki: LokiStandIn) -> None:
    """As the real one lists them."""
    loki.push({"app": "crm", "env": "production", "service_name": "crm"}, [(START + 1, "x")])
    answer = await replayed(loki, "labels")
    assert answer.json()["data"] == json.loads(ANSWERS["labels"]["body"])["data"]


def test_a_range_is_open_at_its_begin_and_closed_at_its_end() -> None:
    """An entry at a point's own instant belongs to it; one at the point before does not."""
    query = parse("sum(count_over_time({app=`crm`} [1m]))")
    assert isinstance(query, Counting)
    standing = LokiStandIn()
    minute = 60 * 10**9
    standing.push({"app": "crm"}, [(minute, "a"), (minute + 1, "b"), (2 * minute, "c")])
    assert standing.points(query, minute, 3 * minute, minute) == [(minute, 1), (2 * minute, 2)]
